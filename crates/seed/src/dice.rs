//! Chance that comes out the same every time: SplitMix64, written out here so that no other library's next release changes what a number
//! stands for.

use uuid::{Builder, Uuid};

/// Throws of one stream of one number.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

/// What each stream of throws is for, so that one more throw here changes nothing there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Calendar,
    Person(u32),
    Job(u32),
    Bid(u64),
    Looks,
}

impl Dice {
    pub(crate) fn new(number: u64, stream: Stream) -> Self {
        let (kind, which) = match stream {
            Stream::Calendar => (1, 0),
            Stream::Person(n) => (2, u64::from(n)),
            Stream::Job(n) => (3, u64::from(n)),
            Stream::Bid(n) => (4, n),
            Stream::Looks => (5, 0),
        };
        let mut dice = Self { state: number ^ (kind << 56) };
        dice.state = dice.next() ^ which.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        dice.next();
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to and without `end`; 0 when that is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// Both ends included.
    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        let width = u64::try_from(last.saturating_sub(first)).unwrap_or_default() + 1;
        first + i64::try_from(self.below(width)).unwrap_or_default()
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// Around 0, mostly between -1 and 1: the sum of four throws.
    pub(crate) fn around(&mut self) -> f64 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.7
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let place = self.below(from.len().try_into().unwrap_or_default());
        from.get(usize::try_from(place).ok()?)
    }

    /// A line of a list; nothing of an empty one.
    pub(crate) fn line<'a>(&mut self, from: &'a [String]) -> &'a str {
        self.pick(from).map(String::as_str).unwrap_or_default()
    }

    /// The place in a list of ever larger sums.
    pub(crate) fn by_weight(&mut self, sums: &[u64]) -> usize {
        let thrown = self.below(sums.last().copied().unwrap_or_default());
        sums.partition_point(|sum| *sum <= thrown)
    }

    /// A UUIDv7 of that instant.
    pub(crate) fn id(&mut self, millis: i64) -> Uuid {
        let (high, low) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut random = [0; 10];
        for (byte, from) in random.iter_mut().zip(high.into_iter().chain(low)) {
            *byte = from;
        }
        Builder::from_unix_timestamp_millis(millis.try_into().unwrap_or_default(), &random).into_uuid()
    }

    pub(crate) fn hash(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes()
    }

    pub(crate) fn salt(&mut self) -> [u8; 32] {
        let mut salt = [0; 32];
        for chunk in salt.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes());
        }
        salt
    }
}

/// The sums that [`Dice::by_weight`] throws on.
pub(crate) fn sums(weights: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let add = |sum: &mut u64, weight: u64| {
        *sum += weight;
        Some(*sum)
    };
    weights.into_iter().scan(0, add).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_the_same_throws_for_ever() {
        let mut dice = Dice::new(7, Stream::Job(3));
        let thrown = [dice.next(), dice.next()];
        assert_eq!(thrown, [Dice::new(7, Stream::Job(3)).next(), thrown[1]]);
        assert_ne!(thrown[0], Dice::new(7, Stream::Job(4)).next());
        assert_ne!(thrown[0], Dice::new(7, Stream::Person(3)).next());
        assert_ne!(thrown[0], Dice::new(8, Stream::Job(3)).next());
    }

    #[test]
    fn throws_stay_within_their_bounds_and_reach_them() {
        let mut dice = Dice::new(1, Stream::Calendar);
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for _ in 0..2_000 {
            let thrown = dice.between(-3, 3);
            (least, most) = (least.min(thrown), most.max(thrown));
            assert!((0.0..=1.0).contains(&dice.unit()));
        }
        assert_eq!((least, most, dice.below(0), dice.pick::<u8>(&[])), (-3, 3, 0, None));
    }

    #[test]
    fn what_weighs_nothing_is_never_chosen() {
        let (mut dice, sums) = (Dice::new(2, Stream::Calendar), sums([0, 5, 0, 1]));
        let mut chosen = [0; 4];
        for _ in 0..600 {
            chosen[dice.by_weight(&sums)] += 1;
        }
        assert!(chosen[0] == 0 && chosen[2] == 0 && chosen[3] > 40 && chosen[1] > 400, "{chosen:?}");
    }

    #[test]
    fn ids_sort_by_their_instants() {
        let mut dice = Dice::new(3, Stream::Calendar);
        let ids: Vec<Uuid> = (1..50).map(|n| dice.id(1_700_000_000_000 + n)).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7));
    }
}
