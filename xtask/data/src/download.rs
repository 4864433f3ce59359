//! Downloads that can be resumed and are verified by checksum.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use ureq::http::header::{CONTENT_RANGE, RANGE};
use ureq::{Agent, Error};

/// Attempts to resume a broken connection before giving up.
const ATTEMPTS: usize = 3;
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Header in which a Hugging Face host gives a file's SHA-256 before it redirects.
const CHECKSUM: &str = "x-linked-etag";

/// Whether this is an address, not a path.
pub fn is_url(from: &str) -> bool {
    from.starts_with("http://") || from.starts_with("https://")
}

/// Downloads a file into the folder `work`, unless an earlier run has, and verifies its SHA-256.
pub fn fetch(url: &str, sha256: Option<&str>, work: &Path) -> Result<PathBuf> {
    fs::create_dir_all(work).with_context(|| format!("cannot write {}", work.display()))?;
    // named after its address, so that a part from one address is never continued from another
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    let file = work.join(format!("{:016x}.download", hasher.finish()));
    if !file.exists() {
        let style = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        let bar = ProgressBar::no_length()
            .with_style(ProgressStyle::with_template(style)?)
            .with_message("download");
        download(&agent(SILENCE), url, &file, &bar)?;
        bar.finish();
    }
    if let Some(expected) = sha256 {
        let found = checksum(&file)?;
        if found != expected {
            fs::remove_file(&file)?;
            bail!("{url} sent a file with SHA-256 {found}; expected {expected}. It was removed; start again");
        }
    }
    Ok(file)
}

/// The SHA-256 that the host gives for a file, if any.
///
/// # Errors
/// If the host cannot be reached.
pub fn checksum_of_host(url: &str) -> Result<Option<String>> {
    let request = agent(SILENCE).head(url).config().max_redirects(0).build();
    let response = request.call().with_context(|| format!("cannot fetch {url}"))?;
    let tag = response.headers().get(CHECKSUM).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
    let tag = tag.trim_matches('"');
    let is_sha256 = tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_sha256.then(|| tag.to_lowercase()))
}

/// SHA-256 of a file, in hexadecimal.
fn checksum(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// An HTTP client that gives up on a host after this much silence.
fn agent(silence: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(silence))
        .timeout_per_read(Some(silence))
        .build()
        .into()
}

/// Downloads a file. After a failure the received bytes stay beside it as `….part`, and the next call continues from
/// there; under its own name the file is always complete.
fn download(agent: &Agent, url: &str, target: &Path, bar: &ProgressBar) -> Result<()> {
    let part = part_of(target);
    let mut attempt = 1;
    while let Err(broken) = go_on(agent, url, &part, bar)? {
        if attempt == ATTEMPTS {
            match fs::metadata(&part).map_or(0, |part| part.len()) {
                0 => bail!("cannot fetch {url}: {broken}"),
                have => bail!(
                    "the connection to {url} broke ({broken}); {:.1} MB have arrived, the same command \
                     fetches the rest",
                    have as f64 / 1e6
                ),
            }
        }
        attempt += 1;
    }
    fs::rename(&part, target).with_context(|| format!("cannot write {}", target.display()))
}

/// Path of a file or folder while it is incomplete.
pub fn part_of(target: &Path) -> PathBuf {
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Fetches the missing end of a file. The inner error means that another attempt makes sense.
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
        // a server without range support sends the whole file
        200 => File::create(part),
        // nothing is missing, or the part belongs to another file: either way it has the length of the server's file
        416 if range == format!("bytes */{have}") => return Ok(Ok(())),
        206 | 416 => {
            fs::remove_file(part)?;
            bail!("{} did not match the file at {url} and was removed; start again", part.display());
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

    /// SHA-256 of "hello".
    pub const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    /// Serves responses one after another, each a whole HTTP answer. Returns the address and, when all are served, the
    /// `Range` headers of the requests.
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

    fn receive(responses: Vec<Vec<u8>>, before: &str) -> (Result<String>, String, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        if !before.is_empty() {
            fs::write(part_of(&target), before).unwrap();
        }
        let (url, requests) = server(responses);
        let result = download(&agent(SILENCE), &url, &target, &ProgressBar::hidden())
            .map(|()| fs::read_to_string(&target).unwrap());
        assert_eq!(result.is_ok(), target.exists());
        (result, fs::read_to_string(part_of(&target)).unwrap_or_default(), requests.join().unwrap())
    }

    #[test]
    fn whole() {
        let (result, part, ranges) = receive(vec![answer("200 OK", "Content-Length: 5\r\n", "hello")], "");
        assert_eq!((result.unwrap().as_str(), part.as_str(), ranges), ("hello", "", vec![String::new()]));
    }

    #[test]
    fn a_broken_connection_is_resumed() {
        let responses = vec![
            answer("200 OK", "Content-Length: 5\r\n", "he"),
            answer("206 Partial Content", "Content-Range: bytes 2-4/5\r\nContent-Length: 3\r\n", "llo"),
        ];
        let (result, _, ranges) = receive(responses, "");
        assert_eq!(result.unwrap(), "hello");
        assert_eq!(ranges[1].to_lowercase(), "range: bytes=2-");
    }

    #[test]
    fn parts_of_an_earlier_run_are_kept() {
        let rest = answer("206 Partial Content", "Content-Range: bytes 4-4/5\r\nContent-Length: 1\r\n", "o");
        assert_eq!(receive(vec![rest], "hell").0.unwrap(), "hello");
        let nothing =
            answer("416 Range Not Satisfiable", "Content-Range: bytes */5\r\nContent-Length: 0\r\n", "");
        assert_eq!(receive(vec![nothing], "hello").0.unwrap(), "hello");
        let all = answer("200 OK", "Content-Length: 5\r\n", "hello");
        assert_eq!(receive(vec![all], "other").0.unwrap(), "hello", "a server without ranges");
    }

    #[test]
    fn failures_say_what_happened() {
        let broken =
            || answer("206 Partial Content", "Content-Range: bytes 2-4/5\r\nContent-Length: 3\r\n", "");
        let (result, part, _) = receive(vec![broken(), broken(), broken()], "he");
        assert!(result.unwrap_err().to_string().contains("the same command fetches the rest"));
        assert_eq!(part, "he");

        let (result, ..) = receive(vec![answer("404 Not Found", "Content-Length: 0\r\n", "")], "");
        assert!(result.unwrap_err().to_string().ends_with("answers 404 Not Found"));

        let shorter =
            answer("416 Range Not Satisfiable", "Content-Range: bytes */3\r\nContent-Length: 0\r\n", "");
        let (result, part, _) = receive(vec![shorter], "hello");
        assert!(result.unwrap_err().to_string().contains("was removed; start again"));
        assert_eq!(part, "");
    }

    #[test]
    fn a_silent_host_times_out() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let silent = agent(Duration::from_millis(100));
        let error = download(&silent, &url, &target, &ProgressBar::hidden()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot fetch {url}: timeout")), "{error}");
    }

    #[test]
    fn a_download_is_verified_by_its_checksum() {
        let (url, requests) = server(vec![answer("200 OK", "Content-Length: 5\r\n", "hello"); 2]);
        let work = tempfile::tempdir().unwrap();
        let (hello, other) = (HELLO, "0".repeat(64));
        let file = fetch(&url, Some(hello), work.path()).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"hello");
        fs::remove_file(&file).unwrap();
        let error = fetch(&url, Some(&other), work.path()).unwrap_err().to_string();
        assert!(error.contains(hello) && error.contains(&other) && !file.exists(), "{error}");
        requests.join().unwrap();
    }

    #[test]
    fn a_host_may_give_a_checksum() {
        let linked = format!("X-Linked-Etag: \"{HELLO}\"\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n");
        let (url, requests) = server(vec![
            answer("302 Found", &linked, ""),
            answer("200 OK", "X-Linked-Etag: \"d41d8cd9\"\r\nContent-Length: 5\r\n", ""),
            answer("404 Not Found", "Content-Length: 0\r\n", ""),
        ]);
        assert_eq!(checksum_of_host(&url).unwrap().as_deref(), Some(HELLO));
        assert_eq!(checksum_of_host(&url).unwrap(), None, "of another kind");
        assert_eq!(checksum_of_host(&url).unwrap(), None, "the download says what is wrong");
        requests.join().unwrap();
        assert!(checksum_of_host(&url).unwrap_err().to_string().starts_with("cannot fetch http://127.0.0.1"));
    }
}
