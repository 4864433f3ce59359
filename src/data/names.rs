//! Names of files and folders, read as on the page (`tests/cases/names.json` tests both): in Unicode NFC, without junk,
//! in natural order.

use std::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;

/// Files that operating systems and programs put beside people's own, in lower case.
const JUNK: [&str; 11] = [
    "__macosx",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "__pycache__",
    "icon\r",
];

/// The name in NFC: macOS writes "é" as two characters, other systems as one.
pub fn nfc(name: &str) -> String {
    name.nfc().collect()
}

/// Whether a file or folder is hidden or junk, and silently left out.
pub fn is_junk(name: &str) -> bool {
    name.starts_with('.') || JUNK.contains(&name.to_lowercase().as_str())
}

/// Natural order: 1, 2, 10; ignores case. Never equal for different names.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (a_small, b_small) = (a.to_lowercase(), b.to_lowercase());
    let (mut a_rest, mut b_rest) = (a_small.as_str(), b_small.as_str());
    loop {
        let ((a_part, a_next), (b_part, b_next)) = (first_part(a_rest), first_part(b_rest));
        let order = match (number(a_part), number(b_part)) {
            (Some(a), Some(b)) => a.len().cmp(&b.len()).then(a.cmp(b)),
            _ => a_part.chars().next().cmp(&b_part.chars().next()),
        };
        if order.is_ne() || a_part.is_empty() {
            return order.then_with(|| a.cmp(b));
        }
        (a_rest, b_rest) = (a_next, b_next);
    }
}

/// A run of digits or one other character, and the rest; empty at the end.
fn first_part(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let character = text.chars().next().map_or(0, char::len_utf8);
    text.split_at(if digits > 0 { digits } else { character })
}

/// Digits without leading zeros, so that the longer string is the greater number.
fn number(part: &str) -> Option<&str> {
    part.starts_with(|c: char| c.is_ascii_digit()).then(|| part.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn cases(key: &str) -> Vec<Value> {
        let cases: Value = serde_json::from_str(include_str!("../../tests/cases/names.json")).unwrap();
        cases[key].as_array().unwrap().clone()
    }

    fn strings(value: &Value) -> Vec<&str> {
        value.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    }

    #[test]
    fn the_order_is_natural() {
        for case in &cases("order") {
            let expected = strings(case);
            let mut found = expected.clone();
            found.reverse();
            found.sort_by(|a, b| natural(a, b));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn junk_is_known_by_name() {
        for (key, junk) in [("left_out", true), ("kept", false)] {
            for name in strings(&Value::Array(cases(key))) {
                assert_eq!(is_junk(name), junk, "{name:?}");
            }
        }
    }

    #[test]
    fn names_are_composed() {
        for case in &cases("nfc") {
            let [given, expected] = strings(case)[..] else { panic!("{case}") };
            assert_eq!(nfc(given), expected);
        }
    }
}
