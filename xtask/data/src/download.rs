//! A download that can be resumed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use ureq::http::header::{CONTENT_RANGE, RANGE};
use ureq::{Agent, Error};

/// How often a broken connection is taken up again before the person is asked to.
const ATTEMPTS: usize = 3;
/// A server that sends nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// Downloads a file. What arrives before a failure stays beside it, as `….part`, and the next call goes on from there;
/// under its own name the file is whole.
pub fn download(url: &str, target: &Path, bar: &ProgressBar) -> Result<()> {
    let part = part_of(target);
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .into();
    let mut attempt = 1;
    while let Err(broken) = go_on(&agent, url, &part, bar)? {
        if attempt == ATTEMPTS {
            match fs::metadata(&part).map_or(0, |part| part.len()) {
                0 => bail!("cannot fetch {url}: {broken}"),
                have => bail!(
                    "the connection to {url} broke ({broken}); {:.1} MB are here, the same command fetches the rest",
                    have as f64 / 1e6
                ),
            }
        }
        attempt += 1;
    }
    fs::rename(&part, target).with_context(|| format!("cannot write {}", target.display()))
}

/// Where a file or folder grows until it is whole.
pub fn part_of(target: &Path) -> PathBuf {
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Fetches what is missing at the end of a file. The inner error is one after which it makes sense to try again.
fn go_on(agent: &Agent, url: &str, part: &Path, bar: &ProgressBar) -> Result<io::Result<()>> {
    let have = fs::metadata(part).map_or(0, |part| part.len());
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error @ (Error::Io(_) | Error::Timeout(_) | Error::Protocol(_))) => {
            return Ok(Err(error.into_io()));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot fetch {url}")),
    };
    let resumes = format!("bytes {have}-");
    let range =
        response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok()).unwrap_or_default();
    let mut file = match response.status().as_u16() {
        206 if range.starts_with(&resumes) => OpenOptions::new().append(true).open(part),
        // a server that knows no ranges sends the whole
        200 => File::create(part),
        // nothing is missing, or the part is of another file: either way it is what the server's file should be
        416 if range == format!("bytes */{have}") => return Ok(Ok(())),
        206 | 416 => {
            fs::remove_file(part)?;
            bail!("{} does not fit what {url} offers and was removed; start again", part.display());
        }
        _ => bail!("{url} answers {}", response.status()),
    }
    .with_context(|| format!("cannot write {}", part.display()))?;

    let have = file.metadata()?.len();
    if let Some(rest) = response.body().content_length() {
        bar.set_length(have + rest);
    }
    bar.set_position(have);
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = match body.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(length) => length,
            Err(error) => return Ok(Err(error)),
        };
        file.write_all(&buffer[..length]).with_context(|| format!("cannot write {}", part.display()))?;
        bar.inc(length as u64);
    }
}

#[cfg(test)]
pub mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Serves one response after another, each a whole HTTP answer, and returns the address and, when all are served,
    /// the `Range` headers of the requests.
    pub fn server(responses: Vec<Vec<u8>>) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let serve = move |response: Vec<u8>| {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            stream.write_all(&response).unwrap();
            head.into_iter().find(|line| line.to_lowercase().starts_with("range:")).unwrap_or_default()
        };
        (url, thread::spawn(move || responses.into_iter().map(serve).collect()))
    }

    pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
        [head.as_bytes(), body.as_ref()].concat()
    }

    fn fetch(responses: Vec<Vec<u8>>, before: &str) -> (Result<String>, String, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        if !before.is_empty() {
            fs::write(part_of(&target), before).unwrap();
        }
        let (url, requests) = server(responses);
        let result =
            download(&url, &target, &ProgressBar::hidden()).map(|()| fs::read_to_string(&target).unwrap());
        assert_eq!(result.is_ok(), target.exists());
        (result, fs::read_to_string(part_of(&target)).unwrap_or_default(), requests.join().unwrap())
    }

    #[test]
    fn whole() {
        let (result, part, ranges) = fetch(vec![answer("200 OK", "Content-Length: 5\r\n", "hello")], "");
        assert_eq!((result.unwrap().as_str(), part.as_str(), ranges), ("hello", "", vec![String::new()]));
    }

    #[test]
    fn a_broken_connection_is_taken_up_again() {
        let responses = vec![
            answer("200 OK", "Content-Length: 5\r\n", "he"),
            answer("206 Partial Content", "Content-Range: bytes 2-4/5\r\nContent-Length: 3\r\n", "llo"),
        ];
        let (result, _, ranges) = fetch(responses, "");
        assert_eq!(result.unwrap(), "hello");
        assert_eq!(ranges[1].to_lowercase(), "range: bytes=2-");
    }

    #[test]
    fn what_an_earlier_run_left_is_kept() {
        let rest = answer("206 Partial Content", "Content-Range: bytes 4-4/5\r\nContent-Length: 1\r\n", "o");
        assert_eq!(fetch(vec![rest], "hell").0.unwrap(), "hello");
        let nothing =
            answer("416 Range Not Satisfiable", "Content-Range: bytes */5\r\nContent-Length: 0\r\n", "");
        assert_eq!(fetch(vec![nothing], "hello").0.unwrap(), "hello");
        let all = answer("200 OK", "Content-Length: 5\r\n", "hello");
        assert_eq!(fetch(vec![all], "other").0.unwrap(), "hello", "a server without ranges");
    }

    #[test]
    fn failures_say_what_happened() {
        let broken =
            || answer("206 Partial Content", "Content-Range: bytes 2-4/5\r\nContent-Length: 3\r\n", "");
        let (result, part, _) = fetch(vec![broken(), broken(), broken()], "he");
        assert!(result.unwrap_err().to_string().contains("the same command fetches the rest"));
        assert_eq!(part, "he");

        let (result, ..) = fetch(vec![answer("404 Not Found", "Content-Length: 0\r\n", "")], "");
        assert!(result.unwrap_err().to_string().ends_with("answers 404 Not Found"));

        let shorter =
            answer("416 Range Not Satisfiable", "Content-Range: bytes */3\r\nContent-Length: 0\r\n", "");
        let (result, part, _) = fetch(vec![shorter], "hello");
        assert!(result.unwrap_err().to_string().contains("was removed; start again"));
        assert_eq!(part, "");
    }
}
