//! What clients send about milestones, and the commands made of it.

use chrono::NaiveDate;
use contracts::{
    AddMilestone, ContractId, Deliverables, Description, EditMilestone, MilestoneRef, Reason, RequestChanges,
    TargetAmount, Title, WorkDays,
};
use kernel::{Fault, Faults};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::views;

/// A new milestone.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MilestoneNew {
    /// What it is called, in one line.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// What it is about.
    #[schema(min_length = 1, max_length = 5000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What will be there when it is done.
    #[schema(max_items = 50, value_type = Option<Vec<MilestoneDeliverable>>)]
    #[serde(default)]
    pub deliverables: Option<Vec<String>>,
    /// Its part of the price, in minor units of the contract's currency.
    #[schema(minimum = 1, maximum = 100000000)]
    pub target_amount: i64,
    /// The milestone that the amount is carved from; the last one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_milestone_id: Option<views::MilestoneRef>,
    /// When work on it is to start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<NaiveDate>,
    /// When it is to be done.
    pub due_date: NaiveDate,
}

/// One thing that will be there when a milestone is done.
#[derive(Debug, ToSchema)]
#[schema(min_length = 1, max_length = 300)]
pub struct MilestoneDeliverable(#[expect(dead_code, reason = "only its schema is used")] String);

/// What is to change about a milestone: what it says, or, with `action`, how far it has come.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MilestonePatch {
    /// What it is called, in one line.
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// What it is about; null removes it.
    #[schema(min_length = 1, max_length = 5000, value_type = Option<String>)]
    #[serde(deserialize_with = "given")]
    pub description: Option<Option<String>>,
    /// What will be there when it is done.
    #[schema(max_items = 50, value_type = Option<Vec<MilestoneDeliverable>>)]
    pub deliverables: Option<Vec<String>>,
    /// When work on it is to start; null removes it.
    #[schema(value_type = Option<NaiveDate>)]
    #[serde(deserialize_with = "given")]
    pub start_date: Option<Option<NaiveDate>>,
    /// When it is to be done.
    pub due_date: Option<NaiveDate>,
    /// What happens to it; stands alone.
    pub action: Option<MilestoneAction>,
}

/// What a contractor does with a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MilestoneAction {
    /// Work on it starts.
    Start,
    /// It is done, and can be inspected.
    Submit,
}

/// What a homeowner says to a submitted milestone.
#[derive(Debug, Clone, Default, Deserialize, Serialize, ToSchema)]
pub struct MilestoneDecision {
    /// Approving unless said otherwise.
    #[serde(default)]
    pub action: MilestoneVerdict,
    /// What is to be done again, and why; only and always with `request_changes`.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: Option<String>,
}

/// Whether a milestone is as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MilestoneVerdict {
    /// It is.
    #[default]
    Approve,
    /// It is not yet.
    RequestChanges,
}

/// A [`MilestonePatch`] as a command.
#[derive(Debug)]
pub(super) enum MilestoneChange {
    Edit(EditMilestone),
    Start(MilestoneRef),
    Submit(MilestoneRef),
}

/// A [`MilestoneDecision`] as a command.
#[derive(Debug)]
pub(super) enum MilestoneOutcome {
    Approve(MilestoneRef),
    RequestChanges(RequestChanges),
}

/// Tells a null, which removes, from what is absent, which stays.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl MilestoneNew {
    pub(super) fn example() -> Self {
        Self {
            title: "Gutters".to_owned(),
            description: Some("New gutters on the north side.".to_owned()),
            deliverables: Some(vec!["12 m of gutter".to_owned()]),
            target_amount: 40_000,
            from_milestone_id: None,
            start_date: None,
            due_date: NaiveDate::from_ymd_opt(2027, 3, 15).unwrap_or_default(),
        }
    }

    pub(super) fn command(
        self,
        contract: ContractId,
        if_version: Option<i32>,
    ) -> Result<AddMilestone, Faults> {
        let mut faults = Faults::none();
        let title = faults.take("/title", Title::new(&self.title));
        let description =
            self.description.and_then(|text| faults.take("/description", Description::new(&text)));
        let lines = self.deliverables.unwrap_or_default();
        let deliverables = faults.take("/deliverables", Deliverables::new(&lines)).unwrap_or_default();
        let amount = faults.take("/targetAmount", TargetAmount::new(self.target_amount));
        let days = faults.take("", WorkDays::new(self.start_date, self.due_date));
        let from = self.from_milestone_id.map(|id| *id);
        match (title, amount, days) {
            (Some(title), Some(amount), Some(days)) if faults.is_empty() => Ok(AddMilestone {
                contract,
                from,
                title,
                description,
                deliverables,
                amount,
                days,
                if_version,
            }),
            _ => Err(faults),
        }
    }
}

impl MilestonePatch {
    pub(super) fn change(self, at: MilestoneRef) -> Result<MilestoneChange, Faults> {
        let mut faults = Faults::none();
        let patch = contracts::MilestonePatch {
            title: self.title.and_then(|text| faults.take("/title", Title::new(&text))),
            description: self
                .description
                .map(|given| given.and_then(|text| faults.take("/description", Description::new(&text)))),
            deliverables: self
                .deliverables
                .and_then(|lines| faults.take("/deliverables", Deliverables::new(&lines))),
            start_date: self.start_date,
            due_date: self.due_date,
        };
        let Some(action) = self.action else {
            let edit = faults.take("", EditMilestone::new(at, patch));
            return match edit {
                Some(edit) if faults.is_empty() => Ok(MilestoneChange::Edit(edit)),
                _ => Err(faults),
            };
        };
        faults.check(patch.is_empty(), "/action", "not_alone", "cannot come together with other changes");
        faults.or(|| match action {
            MilestoneAction::Start => MilestoneChange::Start(at),
            MilestoneAction::Submit => MilestoneChange::Submit(at),
        })
    }
}

impl MilestoneDecision {
    pub(super) fn outcome(self, at: MilestoneRef) -> Result<MilestoneOutcome, Faults> {
        match (self.action, self.reason) {
            (MilestoneVerdict::Approve, None) => Ok(MilestoneOutcome::Approve(at)),
            (MilestoneVerdict::Approve, Some(_)) => {
                Err(Fault::new("/reason", "unexpected", "is only for a request for changes").into())
            }
            (MilestoneVerdict::RequestChanges, None) => {
                Err(Fault::new("/reason", "required", "is missing: say what is to be done again").into())
            }
            (MilestoneVerdict::RequestChanges, Some(text)) => {
                let mut faults = Faults::none();
                match faults.take("/reason", Reason::new(&text)) {
                    Some(reason) => {
                        Ok(MilestoneOutcome::RequestChanges(RequestChanges { milestone: at, reason }))
                    }
                    None => Err(faults),
                }
            }
        }
    }
}
