//! Texts with what was looked for marked in them, safe to be put on a page: whatever people wrote is escaped, and `<mark>` is the only tag.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::model::Highlights;

/// About as many bytes of a description are shown.
const EXCERPT_BYTES: usize = 240;
/// As many bytes before the first mark.
const LEAD_BYTES: usize = 50;
/// Further into a text nobody looks.
const LOOKED_AT_BYTES: usize = 6_000;

/// A job's title and the best part of its description, with the words of these stems marked.
pub(crate) fn highlights(title: &str, description: &str, stems: &BTreeSet<String>) -> Highlights {
    let all = 0..title.len();
    Highlights { title: marked(title, all, &marks(title, stems)), description: excerpt(description, stems) }
}

/// Where words of these stems stand.
fn marks(text: &str, stems: &BTreeSet<String>) -> Vec<Range<usize>> {
    taxonomy::words_of(text.get(..floor(text, LOOKED_AT_BYTES)).unwrap_or_default(), stems)
}

/// The part that has the most marks, from a word's beginning on.
fn excerpt(text: &str, stems: &BTreeSet<String>) -> String {
    let marks = marks(text, stems);
    let held = |from: usize| {
        marks.iter().filter(|mark| mark.start >= from && mark.end <= from + EXCERPT_BYTES).count()
    };
    let best = marks.iter().map(|mark| mark.start.saturating_sub(LEAD_BYTES)).max_by_key(|from| {
        // Of equals the earlier.
        (held(*from), usize::MAX - from)
    });
    let start = word_start(text, best.unwrap_or_default());
    let end = word_end(text, start, start + EXCERPT_BYTES);
    let within: Vec<Range<usize>> =
        marks.iter().filter(|mark| mark.start >= start && mark.end <= end).cloned().collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if end < text.len() { "…" } else { "" };
    format!("{before}{}{after}", marked(text, start..end, &within))
}

/// The greatest place up to `at` where a letter begins.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

fn word_start(text: &str, at: usize) -> usize {
    let at = floor(text, at);
    if at == 0 {
        return 0;
    }
    let rest = text.get(at..).unwrap_or_default();
    rest.find(char::is_whitespace).map_or(at, |gap| at + gap + rest.get(gap..).map_or(0, leading_space))
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

fn word_end(text: &str, start: usize, at: usize) -> usize {
    let at = floor(text, at);
    if at == text.len() {
        return at;
    }
    let gap = text.get(..at).and_then(|before| before.rfind(char::is_whitespace));
    gap.filter(|gap| *gap > start).unwrap_or(at.max(start))
}

fn marked(text: &str, part: Range<usize>, marks: &[Range<usize>]) -> String {
    let mut page = String::new();
    let mut at = part.start;
    for mark in marks.iter().filter(|mark| mark.start >= part.start && mark.end <= part.end) {
        escape(text.get(at..mark.start).unwrap_or_default(), &mut page);
        page.push_str("<mark>");
        escape(text.get(mark.clone()).unwrap_or_default(), &mut page);
        page.push_str("</mark>");
        at = mark.end;
    }
    escape(text.get(at..part.end).unwrap_or_default(), &mut page);
    page
}

fn escape(text: &str, page: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, special) = rest.split_at(at);
        page.push_str(plain);
        page.push_str(match special.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        });
        rest = special.get(1..).unwrap_or_default();
    }
    page.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stems(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn forms_of_a_word_are_marked_and_all_else_is_escaped() {
        let found = highlights("Leaking <b>taps</b> & “pipes”", "none", &stems(&["leak", "tap"]));
        assert_eq!(found.title, "<mark>Leaking</mark> &lt;b&gt;<mark>taps</mark>&lt;/b&gt; &amp; “pipes”");
        assert_eq!(highlights("Café's roof", "", &stems(&["cafe"])).title, "<mark>Café&#39;s</mark> roof");
        let attack = highlights("<script>alert('leak')</script>", "", &stems(&["leak", "script"]));
        assert_eq!(
            attack.title,
            "&lt;<mark>script</mark>&gt;alert(<mark>&#39;leak&#39;</mark>)&lt;/<mark>script</mark>&gt;"
        );
    }

    #[test]
    fn the_best_part_of_a_long_text_is_shown() {
        let filler = "Nothing of note here. ".repeat(30);
        let text = format!("A leak. {filler}The tap leaks, and the leak under the tap is new. {filler}");
        let shown = excerpt(&text, &stems(&["leak", "tap"]));
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert!(
            shown.contains("The <mark>tap</mark> <mark>leaks</mark>, and the <mark>leak</mark>"),
            "{shown}"
        );
        assert_eq!(excerpt("Short.", &stems(&["leak"])), "Short.");
        assert_eq!(excerpt("", &stems(&["leak"])), "");
    }

    proptest! {
        #[test]
        fn nothing_but_marks_is_ever_a_tag(text in "\\PC{0,400}", word in "[a-c<>&]{1,3}") {
            let shown = highlights(&text, &text, &stems(&[&word, "a", "b"]));
            for shown in [shown.title, shown.description] {
                let bare = shown.replace("<mark>", "").replace("</mark>", "");
                prop_assert!(!bare.contains(['<', '>', '"', '\'']), "{shown}");
                prop_assert_eq!(shown.matches("<mark>").count(), shown.matches("</mark>").count());
            }
        }
    }
}
