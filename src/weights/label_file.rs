//! Class names from files that people and libraries write: one name per line, or JSON.

use std::collections::BTreeMap;
use std::str;

use crate::error::{Error, Result};

/// Reads class names, in the order of the classes, from a file in UTF-8: a JSON array of names, a JSON object from
/// class numbers to names, or one name per line.
///
/// A byte order mark, Windows line ends and empty lines at the end are ignored. If every line begins with a number and
/// these count up from 0 or 1, the numbers are not part of the names ("0 tench", "0: tench", "0,tench").
///
/// # Errors
/// [`Error::Data`] names the line, the item or the class that is wrong.
pub fn parse_labels(bytes: &[u8]) -> Result<Vec<String>> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Error::Data(format!("line {line} is not UTF-8"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let labels = match text.trim_start().chars().next() {
        Some('[') => array(text)?,
        Some('{') => object(text)?,
        _ => lines(text)?,
    };
    match labels.iter().position(|label| label.chars().any(char::is_control)) {
        None => Ok(labels),
        Some(class) => Err(Error::Data(format!(
            "the name of class {class} contains control characters: {:?}",
            labels[class]
        ))),
    }
}

fn array(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text)
        .map_err(|error| Error::Data(format!("expected a JSON array of names: {error}")))
}

fn object(text: &str) -> Result<Vec<String>> {
    let wrong = |error| Error::Data(format!("expected a JSON object of class numbers and names: {error}"));
    let named: BTreeMap<String, String> = serde_json::from_str(text).map_err(wrong)?;
    if let Some(key) = crate::arch::json::doubled_key(text) {
        return Err(Error::Data(format!("the JSON object names the class \"{key}\" twice")));
    }
    let mut classes = BTreeMap::new();
    for (key, name) in named {
        let class = key.trim().parse::<usize>().map_err(|_| {
            Error::Data(format!(
                "the JSON object has the key \"{key}\"; expected class numbers, such as \"0\""
            ))
        })?;
        if classes.insert(class, name).is_some() {
            return Err(Error::Data(format!("the JSON object names class {class} twice")));
        }
    }
    match classes.keys().zip(0..).find(|(class, place)| **class != *place) {
        Some((next, missing)) => Err(Error::Data(format!(
            "the JSON object has no name for class {missing}, but one for class {next}"
        ))),
        None => Ok(classes.into_values().collect()),
    }
}

fn lines(text: &str) -> Result<Vec<String>> {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim).collect();
    if let Some(blank) = lines.iter().position(|line| line.is_empty()).filter(|_| !text.trim().is_empty()) {
        return Err(Error::Data(format!("line {} is empty; expected the name of a class", blank + 1)));
    }
    let numbered: Option<Vec<(usize, &str)>> = lines.iter().map(|line| without_number(line)).collect();
    let counted = numbered.filter(|numbered| {
        let first = numbered.first().map_or(0, |(number, _)| *number);
        // Names that differ in nothing else include the number: "1 euro", "2 euro".
        let all_alike = numbered.len() > 1 && numbered.iter().all(|(_, name)| *name == numbered[0].1);
        first <= 1
            && !all_alike
            && numbered.iter().zip(first..).all(|((number, _), expected)| *number == expected)
    });
    Ok(match counted {
        Some(numbered) => numbered.into_iter().map(|(_, name)| name.into()).collect(),
        None => lines.into_iter().map(Into::into).collect(),
    })
}

/// The number at the start of a line, and the name after it.
fn without_number(line: &str) -> Option<(usize, &str)> {
    let end = line.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = line.split_at(end);
    let name = rest.trim_start_matches([':', ',', ';', '\t', ' ']);
    (rest.len() > name.len() && !name.is_empty()).then_some((number.parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        parse_labels(text.as_bytes()).unwrap()
    }

    fn error(bytes: &[u8]) -> String {
        parse_labels(bytes).unwrap_err().to_string()
    }

    #[test]
    fn everything_around_the_names_is_dropped() {
        for text in
            ["cat\ndog\n", "\u{feff}cat\ndog", "cat\r\ndog\r\n", "cat\ndog\n\n \r\n\n", " cat \n\tdog"]
        {
            assert_eq!(labels(text), ["cat", "dog"], "{text:?}");
        }
        for text in
            ["[\"cat\", \"dog\"]\n", "\u{feff} [\"cat\",\r\n\"dog\"]", "{\"1\": \"dog\", \"0\": \"cat\"}"]
        {
            assert_eq!(labels(text), ["cat", "dog"], "{text:?}");
        }
        assert!(labels("\n\n").is_empty());
        let many: Vec<String> = (0..12).rev().map(|class| format!("\"{class}\": \"name {class}\"")).collect();
        assert_eq!(labels(&format!("{{{}}}", many.join(", ")))[10], "name 10", "by number, not by letters");
    }

    #[test]
    fn numbers_that_count_the_lines_are_not_names() {
        for text in ["0 cat\n1 dog", "0: cat\n1: dog", "0,cat\n1,dog", "0, cat\n1, dog", "1\tcat\n2\tdog"] {
            assert_eq!(labels(text), ["cat", "dog"], "{text:?}");
        }
        for kept in [
            ["0", "1"],
            ["0 cat", "dog"],
            ["0 cat", "2 dog"],
            ["3 cats", "4 dogs"],
            ["1 euro", "2 euro"],
            ["0cat", "1dog"],
        ] {
            assert_eq!(labels(&kept.join("\n")), kept);
        }
    }

    #[test]
    fn wrong_names_are_reported() {
        assert_eq!(error(b"cat\n\ndog"), "line 2 is empty; expected the name of a class");
        assert_eq!(error(b"cat\nd\xffg"), "line 2 is not UTF-8");
        assert!(error(b"\xff\xfec\0a\0t\0").starts_with("line 1 is not UTF-8"));
        assert!(error(b"[\"cat\", 7]").contains("invalid type: integer `7`, expected a string at line 1"));
        assert!(error(b"[\"cat\"").starts_with("expected a JSON array of names: EOF"));
        assert!(error(b"{\"0\": [\"n01\", \"cat\"]}").contains("expected a string"));
        assert!(error(b"{\"cat\": \"0\"}").contains("has the key \"cat\"; expected class numbers"));
        assert!(
            error(b"{\"0\": \"cat\", \"2\": \"dog\"}").contains("no name for class 1, but one for class 2")
        );
        assert!(error(b"{\"0\": \"cat\", \"0\": \"dog\"}").contains("the class \"0\" twice"));
        assert!(error(b"{\"0\": \"cat\", \"00\": \"dog\"}").contains("names class 0 twice"));
        assert!(error(b"cat\nd\0g").contains("the name of class 1 contains control characters: \"d\\0g\""));
    }
}
