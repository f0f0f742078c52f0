//! Which jobs come first for whom. What is looked for and how much it weighs is decided by the rules.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use identity::{ContractorFacts, CredentialKind};
use kernel::{Actor, ContractorActor, Instant, Limit};
use taxonomy::Taxonomy;

use super::MarketplaceService;
use crate::error::Error;
use crate::model::{Circle, JobCard, JobId, JobStatus, PublicJob, ScoredJob, TrendingFilter};
use crate::rules::likeness::rare_words;
use crate::rules::words::Saying;
use crate::rules::{ContractorSide, Model};
use crate::store::recommendations::{LeavingOut, Work};
use crate::{RecommendationCommands, RecommendationQueries, rules, store};

/// Trades that are looked through for one contractor, or for one job.
const TRADES_MAX: usize = 10;
const METRES: i32 = 1_000;
/// How far around a job others like it are looked for.
const LIKE_METRES: i32 = 50_000;

impl RecommendationQueries for MarketplaceService {
    fn trending_jobs(&self, filter: TrendingFilter, limit: Limit) -> Result<Vec<ScoredJob>, Error> {
        self.hottest_jobs(filter, limit)
    }

    fn similar_jobs(&self, viewer: Option<&Actor>, id: JobId, limit: Limit) -> Result<Vec<ScoredJob>, Error> {
        let job = self.find_job(viewer, id)?.job;
        let leaving_out =
            LeavingOut { job: Some(id), owner: viewer.map(|actor| actor.party), contractor: None };
        let trades = trades_like(&job);
        let circle = job.area.point.map(|centre| Circle { centre, metres: LIKE_METRES });
        let words = rare_words(&job.title, self.vocabulary()?.as_ref());
        let saying = Saying::new(&trades, &words);
        let around = Around { circle, reach: Reach::BeyondToo };
        let found = self.candidates(&trades, around, leaving_out, saying.as_ref())?;
        let (point, model) = (job.area.point, Model::of(job));
        let scored = found.into_iter().map(|card| {
            let km = point.zip(card.area.point).map(|(a, b)| rules::km_between(a, b));
            ScoredJob { score: model.likeness(&card), km, job: card }
        });
        Ok(best(scored.filter(|scored| scored.score.points > 0), limit))
    }

    fn recommended_jobs(
        &self,
        contractor: ContractorActor<'_>,
        limit: Limit,
    ) -> Result<Vec<ScoredJob>, Error> {
        let (now, party) = (self.clock.now(), contractor.party);
        let (facts, wins, work) = self.db.read(|conn| {
            let facts = identity::contractors(conn, &[party])?.remove(&party);
            let wins = store::recommendations::wins(conn, party)?;
            Ok::<_, Error>((facts, wins, store::recommendations::work_of(conn, party)?))
        })?;
        let mut side = side_of(facts.as_ref(), work, now);
        (side.wins, side.busy_from) = (wins, self.settings.busy_jobs.into());
        let trades = trades_of(&side);
        let metres = side.service_km.saturating_mul(METRES);
        let circle = side.point.map(|centre| Circle { centre, metres });
        let leaving_out = LeavingOut { job: None, owner: Some(party), contractor: Some(party) };
        let around = Around { circle, reach: Reach::Within };
        let found = self.candidates(&trades, around, leaving_out, None)?;
        let scored = found.into_iter().filter_map(|job| {
            let score = rules::recommendation(&side, &job, now)?;
            let km = side.point.zip(job.area.point).map(|(a, b)| rules::km_between(a, b));
            Some(ScoredJob { job, km, score })
        });
        Ok(best(scored, limit))
    }
}

impl RecommendationCommands for MarketplaceService {
    fn dismiss_job(&self, contractor: ContractorActor<'_>, id: JobId) -> Result<(), Error> {
        let job = self.find_job(Some(&contractor), id)?.job;
        if job.status != JobStatus::Open {
            return Err(Error::JobState { state: job.status });
        }
        self.db.transaction(|tx| {
            let now = tx.now()?;
            Ok(store::recommendations::dismiss(tx.conn(), contractor.party, id, now)?)
        })
    }

    fn restore_job(&self, contractor: ContractorActor<'_>, id: JobId) -> Result<(), Error> {
        let there = self.db.transaction(|tx| {
            Ok::<_, Error>(store::recommendations::restore(tx.conn(), contractor.party, id)?)
        })?;
        // What nobody dismissed is there for whoever may see it, and for nobody else.
        if there { Ok(()) } else { self.find_job(Some(&contractor), id).map(drop) }
    }
}

/// Whether a place is a border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Only jobs around it.
    Within,
    /// Others too, when there are not many around.
    BeyondToo,
}

/// Where jobs are looked for.
#[derive(Debug, Clone, Copy)]
struct Around {
    circle: Option<Circle>,
    reach: Reach,
}

/// As many around a place are enough.
const ENOUGH: usize = 100;

impl MarketplaceService {
    /// Open jobs of these trades: the newest around, and those that the index of words has for what is asked of it.
    fn candidates(
        &self,
        trades: &[String],
        Around { circle, reach }: Around,
        leaving_out: LeavingOut,
        saying: Option<&Saying>,
    ) -> Result<Vec<JobCard>, Error> {
        let cards = self.db.read(|conn| {
            let around = match circle {
                Some(circle) => store::recommendations::around(conn, trades, circle, leaving_out)?,
                None => None,
            };
            let mut ids: BTreeSet<JobId> = match around {
                Some(around) if reach == Reach::Within || around.len() >= ENOUGH => {
                    around.into_iter().collect()
                }
                around => {
                    let anywhere = store::recommendations::anywhere(conn, trades, leaving_out)?;
                    around.into_iter().flatten().chain(anywhere).collect()
                }
            };
            if let Some(asked) = saying {
                ids.extend(store::recommendations::saying(conn, asked, circle, leaving_out)?);
            }
            let ids: Vec<JobId> = ids.into_iter().collect();
            Ok::<_, Error>(store::jobs::job_cards(conn, &ids)?)
        })?;
        // It may have left OPEN between two statements.
        Ok(cards.into_values().filter(|card| card.status == JobStatus::Open).collect())
    }
}

/// The best first; of equals the newest.
fn best(scored: impl Iterator<Item = ScoredJob>, limit: Limit) -> Vec<ScoredJob> {
    let mut all: Vec<ScoredJob> = scored.collect();
    all.sort_by_key(|scored| Reverse((scored.score.points, scored.job.published_at, scored.job.id)));
    all.truncate(limit.get());
    all
}

/// What identity and the work so far say of a contractor.
fn side_of(facts: Option<&ContractorFacts>, work: Work, now: Instant) -> ContractorSide {
    let mut side = ContractorSide {
        service_km: rules::SERVICE_KM_DEFAULT,
        finished: work.finished,
        under_way: work.under_way,
        ..ContractorSide::default()
    };
    let Some(facts) = facts else { return side };
    let profile = &facts.profile;
    side.trades = profile.trades.iter().cloned().collect();
    side.skills = profile.skills.iter().map(|skill| rules::skill_key(skill)).collect();
    side.point = profile.public_point;
    side.service_km = profile.service_radius_km.unwrap_or(rules::SERVICE_KM_DEFAULT);
    if let Some(papers) = facts.approved.as_ref().filter(|papers| papers.valid_until > now) {
        side.verified = true;
        let held = papers.credentials.iter().filter(|(_, until)| *until > now);
        let licences = held.filter(|(credential, _)| credential.kind == CredentialKind::Licence);
        side.licences = licences.map(|(credential, _)| credential.trade.clone()).collect();
    }
    side
}

/// The trades in which jobs are looked for: those said, or those of the skills said; none is any.
fn trades_of(side: &ContractorSide) -> Vec<String> {
    let known = side.trades.iter().filter(|trade| Taxonomy::shipped().trade(trade).is_some());
    let mut trades: BTreeSet<String> = known.cloned().collect();
    if trades.is_empty() {
        trades = side.skills.iter().filter_map(|skill| trade_of_skill(skill)).collect();
    }
    trades.into_iter().take(TRADES_MAX).collect()
}

/// The trade of a job, and those of the skills that it asks for.
fn trades_like(job: &PublicJob) -> Vec<String> {
    let others = job.skills.iter().filter_map(|skill| trade_of_skill(&rules::skill_key(skill)));
    let mut trades = vec![job.category.clone()];
    for trade in others {
        if !trades.contains(&trade) && trades.len() < TRADES_MAX {
            trades.push(trade);
        }
    }
    trades
}

fn trade_of_skill(slug: &str) -> Option<String> {
    Taxonomy::shipped().skill(slug).map(|(trade, _)| trade.slug().to_owned())
}
