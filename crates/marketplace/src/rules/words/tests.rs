use proptest::prelude::*;

use super::*;

fn read(question: &str) -> Words {
    Words::understand(question, &Vocabulary::new(0.0, &[]))
}

fn strictly(words: &Words) -> String {
    words.in_jobs().join(" & ")
}

fn loosely(words: &Words) -> String {
    words.loosely_in_jobs().join(" & ")
}

#[test]
fn words_phrases_and_what_is_ruled_out() {
    assert_eq!(read("Grey QUARTZ").literal(), "'grey' & 'quartz'");
    assert_eq!(read("\"quartz counter\" grey").literal(), "'quartz counter' & 'grey'");
    assert_eq!(read("quartz -grey -\"worn out\"").literal(), "'quartz' & !('grey') & !('worn out')");
    assert_eq!(read("Façade for the café's").literal(), "'facade' & 'cafe s'");
    assert_eq!(read("„quartz counter“").literal(), "'quartz counter'");
    assert_eq!(read("quartz \"unfinished busi").literal(), "'unfinished busi' & 'quartz'");
    for nothing in ["", "   ", "-", "- -", "\"\"", "the and of", "-quartz", "!!! ???", "'"] {
        assert!(read(nothing).is_empty(), "{nothing}: {:?}", read(nothing));
    }
}

#[test]
fn what_words_mean_is_looked_for_too() {
    let leak = read("leaky tap");
    assert_eq!(leak.meanings(), ["leak-repair"]);
    assert_eq!(leak.literal(), "'leaky' & 'tap'");
    assert!(
        strictly(&leak).starts_with("(('leaky' & 'tap') | (skill1leakrepair | (trade1plumbing & ("),
        "{}",
        strictly(&leak)
    );
    assert_eq!(leak.meant_tags(), ("trade1plumbing".to_owned(), "skill1leakrepair".to_owned()));
    assert!(leak.in_directory().ends_with(" | 'plumbing' | 'leak-repair')"), "{}", leak.in_directory());

    let plumber = read("plumber urgently");
    assert_eq!(plumber.meanings(), ["plumbing"]);
    assert_eq!(strictly(&plumber), "('urgently') & (('plumber') | trade1plumbing)", "the rarer first");
    assert_eq!(read("\"leaky tap\"").meanings(), Vec::<&str>::new(), "a phrase is meant as it stands");
}

#[test]
fn of_jobs_that_are_tagged_with_what_they_mean_the_tag_is_asked_for() {
    let tagged = |fingerprint: &str| {
        let vocabulary = Vocabulary::new(0.0, &[]).with_meanings(Some(fingerprint.to_owned()));
        strictly(&Words::understand("leaky tap", &vocabulary))
    };
    assert_eq!(tagged(crate::rules::meaning::fingerprint()), "(('leaky' & 'tap') | means1leakrepair)");
    assert_eq!(tagged("of another taxonomy"), strictly(&read("leaky tap")), "those may be tagged otherwise");
}

#[test]
fn words_of_trades_are_put_as_one_question() {
    let (trades, words) =
        (["tiling".to_owned(), "pest-control".to_owned()], ["zellige".to_owned(), "hammam".to_owned()]);
    let asked = Saying::new(&trades, &words).unwrap();
    assert_eq!(asked.matching, "(trade1tiling | trade1pestcontrol) & ('zellige' | 'hammam')");
    assert_eq!(asked.any, "'zellige' | 'hammam'");
    assert_eq!((Saying::new(&[], &words), Saying::new(&trades, &[])), (None, None));
}

#[test]
fn a_state_is_looked_for_by_code_and_by_name() {
    for asked in ["austin tx", "Austin Texas", "austin TX"] {
        assert_eq!(strictly(&read(asked)), "('austin') & ((('texas') | 'tx'))", "{asked}");
    }
    for asked in ["painter New York", "painter ny"] {
        assert!(read(asked).in_jobs().contains(&"((('new' & 'york') | 'ny'))".to_owned()), "{asked}");
    }
    assert_eq!(strictly(&read("quartz Oregon")), "('quartz') & (('oregon'))");
    assert_eq!(strictly(&read("quartz OR")), "('quartz') & (('oregon'))");
    assert_eq!(read("quartz or granite").terms.len(), 2, "a word in small letters is a word");
    assert!(read("maine texas").corrections().is_empty());
}

#[test]
fn mice_are_asked_for_where_a_mouse_is() {
    for asked in ["mouse", "mice in the kitchen", "exterminator for rats"] {
        let words = strictly(&read(asked));
        assert!(
            words.contains("'mice'") || asked.contains("rats") && words.contains("trade1pestcontrol"),
            "{words}"
        );
    }
    assert!(
        strictly(&read("rodent")).contains("('mice')") && strictly(&read("rodent")).contains("('mouse')")
    );
}

#[test]
fn what_is_mistyped_is_put_right_and_told() {
    let words = read("plummer");
    assert_eq!(
        words.corrections(),
        [Correction { typed: "plummer".to_owned(), meant: "plumber".to_owned() }]
    );
    assert_eq!(strictly(&words), "((('plummer' | 'plumber')) | trade1plumbing)");
    assert_eq!(words.meanings(), ["plumbing"]);
    assert!(read("plumber").corrections().is_empty());
}

#[test]
fn loosely_one_of_the_words_is_enough_but_a_phrase_has_to_be_there() {
    assert_eq!(loosely(&read("grey quartz")), "(('grey') | ('quartz'))");
    assert_eq!(
        loosely(&read("grey quartz \"worn out\" -red")),
        "('worn out') & !('red') & (('grey') | ('quartz'))"
    );
    assert!(read("grey quartz").can_loosen() && !read("quartz").can_loosen());
    // What is asked of a trade that has nothing of it: at least the trade.
    let locks = read("change the locks");
    assert!(locks.can_loosen() && loosely(&locks).ends_with(" | trade1locksmith)"), "{locks:?}");
    assert!(locks.loose_share().expected > locks.share().expected);
    assert!(!read("locksmith").can_loosen() && !read("plumber").can_loosen());
    assert!(!read("quartz \"worn out\"").can_loosen());
}

#[test]
fn commoner_words_make_commoner_matches() {
    let counted = [("grey", 0.1), ("quartz", 0.01)].map(|(word, share)| (word.to_owned(), share));
    let vocabulary = Vocabulary::new(1_000.0, &counted);
    let share = |question| Words::understand(question, &vocabulary).share().expected;
    assert!(share("grey") > share("quartz") && share("quartz") > share("grey quartz"));
    let both = Words::understand("grey quartz", &vocabulary);
    assert!((0.1..0.12).contains(&both.loose_share().expected));
}

proptest! {
    /// Letters, digits, spaces and hyphens in quotes, tags, and operators: nothing that was typed is an operator.
    #[test]
    fn whatever_is_typed_only_words_reach_postgres(question in "\\PC{0,80}") {
        let words = read(&question);
        for query in [words.literal(), strictly(&words), loosely(&words), words.in_directory(), words.any_word()] {
            let mut parts = query.split('\'');
            while let Some(outside) = parts.next() {
                prop_assert!(outside.chars().all(|c| c.is_ascii_alphanumeric() || " &|!()<->".contains(c)), "{query}");
                if let Some(inside) = parts.next() {
                    prop_assert!(inside.chars().all(|c| c.is_alphanumeric() || " -".contains(c)), "{query}");
                }
            }
        }
    }
}
