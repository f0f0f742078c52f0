//! What the index of words and tags has about money: a job's currency, and how far up its budget goes and from where on. By it, what hardly any job pays in,
//! or pays, is found at once.

use kernel::Currency;

use crate::model::Budget;

use super::vocabulary::Vocabulary;

/// Where amounts are cut, in minor units, as in `marketplace.amount_step`.
const STEPS: [i64; 16] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
];

/// What part of a currency's jobs one end of a budget leaves, until that is counted.
const UNCOUNTED_END_SHARE: f64 = 0.5;

/// Of most jobs the index is better not asked: it would lay all of them beside the others.
const MOST: f64 = 0.5;

/// How common money as it is asked for is, and what the index is asked for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Money {
    /// The part of the jobs that has all of it.
    pub(crate) share: f64,
    things: Vec<Thing>,
}

/// An end of a budget, or a currency by itself.
#[derive(Debug, Clone, PartialEq)]
struct Thing {
    /// What a job has one of.
    tags: Vec<String>,
    /// The part of the jobs that does.
    share: f64,
}

impl Money {
    /// Of jobs that pay in a currency, within a budget. Until money is counted, everybody is taken to pay in the same.
    pub(crate) fn of(currency: Option<Currency>, budget: Budget, vocabulary: &Vocabulary) -> Self {
        let Some(code) = currency.map(Currency::code) else { return Self { share: 1.0, things: Vec::new() } };
        let is_counted = vocabulary.money_is_counted();
        let currency = format!("currency1{code}");
        let paid_in = if is_counted { vocabulary.tag_share(&currency) } else { 1.0 };
        let end = |tags: Vec<String>| {
            let counted = is_counted.then(|| vocabulary.any_tag_share(&tags).min(paid_in));
            Thing { share: counted.unwrap_or(UNCOUNTED_END_SHARE), tags }
        };
        let upper = budget.min().map(|least| (step(least)..=STEPS.len()).map(|step| tag("upto", code, step)));
        let lower = budget.max().map(|most| (0..=step(most)).map(|step| tag("from", code, step)));
        let ends = [upper.map(|tags| end(tags.collect())), lower.map(|tags| end(tags.collect()))];
        let ends: Vec<Thing> = ends.into_iter().flatten().collect();
        // Of those that pay in it, the ends are taken to have nothing to do with each other.
        let share = paid_in * ends.iter().map(|end| end.share / paid_in).product::<f64>();
        // An end says its currency, too.
        let things =
            if ends.is_empty() { vec![Thing { tags: vec![currency], share: paid_in }] } else { ends };
        Self { share, things }
    }

    /// The same, where the index is asked for other things already: then not for what most jobs have.
    pub(crate) fn beside_others(mut self) -> Self {
        self.things.retain(|thing| thing.share <= MOST);
        self
    }

    /// The part of the jobs that has the rarest thing that the index is asked for.
    pub(crate) fn rarest(&self) -> Option<f64> {
        self.things.iter().map(|thing| thing.share).reduce(f64::min)
    }

    /// What the index is asked for, thing by thing: one of its tags.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &[String]> {
        self.things.iter().map(|thing| thing.tags.as_slice())
    }
}

/// How many cuts lie below an amount.
fn step(amount: i64) -> usize {
    STEPS.partition_point(|cut| *cut <= amount)
}

fn tag(end: &str, code: &str, step: usize) -> String {
    format!("{end}1{code}{step}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(counted: &[(&str, f64)], code: Option<&str>, min: Option<i64>, max: Option<i64>) -> Money {
        let counted: Vec<(String, f64)> =
            counted.iter().map(|(tag, share)| ((*tag).to_owned(), *share)).collect();
        let currency = code.map(|code| code.parse().unwrap());
        Money::of(currency, Budget::new(min, max).unwrap(), &Vocabulary::new(1_000.0, &counted))
    }

    #[test]
    fn an_end_is_asked_for_by_all_steps_beyond_it() {
        let tags = |code, min, max| -> Vec<Vec<String>> {
            money(&[], code, min, max).tags().map(<[String]>::to_vec).collect()
        };
        assert!(tags(None, None, None).is_empty());
        assert_eq!(tags(Some("CHF"), None, None), [["currency1CHF"]]);
        assert_eq!(
            tags(Some("CHF"), Some(50_000_000), None),
            [["upto1CHF15", "upto1CHF16"]],
            "what goes up to an amount has it, too"
        );
        assert_eq!(tags(Some("CHF"), None, Some(1_999)), [["from1CHF0", "from1CHF1"]]);
        assert_eq!(tags(Some("CHF"), Some(0), Some(100_000_000)).concat().len(), 2 * (STEPS.len() + 1));
    }

    #[test]
    fn ends_of_budgets_are_as_common_as_they_were_counted() {
        let counted = [
            ("currency1USD", 0.8),
            ("upto1USD15", 0.1),
            ("upto1USD16", 0.1),
            ("from1USD0", 0.4),
            ("from1USD1", 0.3),
        ];
        let nothing = money(&counted, None, None, None);
        assert_eq!((nothing.share, nothing.rarest()), (1.0, None));
        let dear = money(&counted, Some("USD"), Some(50_000_000), None);
        assert!((dear.share - 0.2).abs() < 1e-9 && dear.rarest() == Some(dear.share), "{dear:?}");
        let cheap = money(&counted, Some("USD"), None, Some(1_000));
        assert!((cheap.share - 0.7).abs() < 1e-9 && cheap.rarest() == Some(cheap.share), "{cheap:?}");
        assert_eq!(cheap.beside_others().rarest(), None, "most are");
        assert_eq!(dear.clone().beside_others(), dear);
        let rare = money(&counted, Some("CHF"), Some(1), None);
        assert!(rare.share < 0.001 && rare.rarest() == Some(rare.share), "{rare:?}");
        let uncounted = money(&[], Some("USD"), Some(1), None);
        assert_eq!((uncounted.share, uncounted.rarest()), (0.5, Some(0.5)));
    }
}
