//! `Range`: a part of a file, so that a download that broke off goes on, and a viewer of documents leafs through one (RFC 9110, section 14).

use std::ops::Range;

use actix_web::http::StatusCode;

use super::Problem;

/// The part of a thing of `size` bytes that is wanted; none for all of it. Where several parts are asked for, or what is asked for makes
/// no sense, the whole is right, too.
///
/// # Errors
/// 416 for a part that begins behind the end.
pub(crate) fn wanted(
    range: Option<&str>,
    if_range: Option<&str>,
    tag: &str,
    size: u64,
) -> Result<Option<Range<u64>>, Problem> {
    // Whoever has the beginning of another version gets all of this one.
    if if_range.is_some_and(|version| version != tag) {
        return Ok(None);
    }
    let asked = range.and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = asked.and_then(|asked| asked.split_once('-')) else { return Ok(None) };
    let part = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.trim().is_empty() => first..size,
        (None, Some(last)) if first.trim().is_empty() => size.saturating_sub(last)..size,
        _ => return Ok(None),
    };
    if part.is_empty() {
        let detail = format!("the file has {size} bytes");
        return Err(Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail));
    }
    Ok(Some(part))
}

/// `bytes 0-99/1234`
pub(crate) fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1))
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_was_asked_for_and_nonsense_is_the_whole() {
        for (range, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=0-99", Some(0..100)),
            ("bytes=90-", Some(90..100)),
            ("bytes=90-1000000", Some(90..100)),
            ("bytes=-1", Some(99..100)),
            ("bytes=-1000", Some(0..100)),
            ("bytes=5-4", None),
            ("bytes=0-1,5-6", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("lines=0-1", None),
            ("bytes=99999999999999999999-", None),
        ] {
            assert_eq!(wanted(Some(range), None, "\"a\"", 100).unwrap(), expected, "{range}");
        }
        assert_eq!(wanted(None, None, "\"a\"", 100).unwrap(), None);
        assert_eq!(content_range(&(90..100), 100), "bytes 90-99/100");
    }

    #[test]
    fn what_lies_behind_the_end_is_refused() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            let refused = wanted(Some(range), None, "\"a\"", 100).unwrap_err();
            assert_eq!(refused.status(), StatusCode::RANGE_NOT_SATISFIABLE, "{range}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_no_part_of_this_one() {
        assert_eq!(wanted(Some("bytes=5-"), Some("\"b\""), "\"a\"", 100).unwrap(), None);
        assert_eq!(wanted(Some("bytes=5-"), Some("\"a\""), "\"a\"", 100).unwrap(), Some(5..100));
    }
}
