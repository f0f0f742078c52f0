//! Accepting a bid: the award and the contract are one fact.

use chrono::Duration;
use database::Tx;
use identity::PersonCard;
use kernel::{HomeownerActor, PartyId, PersonId};
use marketplace::{Award, Awarded};
use serde_json::json;

use super::{ContractsService, tell, text, trail, views};
use crate::document::Particulars;
use crate::error::{Error, corrupt};
use crate::model::{AcceptBid, Contract, ContractId, ContractStatus, ContractView, MilestoneId};
use crate::rules::{self, Proposal, Span};
use crate::store::{self, NewContract, NewMilestone};
use crate::tasks::SigningLapse;

pub(super) fn accept(
    tx: &mut Tx<'_>,
    service: &ContractsService,
    homeowner: &HomeownerActor<'_>,
    command: &AcceptBid,
) -> Result<ContractView, Error> {
    // Locks the job first: of two acceptances at the same time the second waits here, and then finds the job awarded.
    let award = Award {
        bid: command.bid,
        revision: command.revision,
        owner: homeowner.party,
        request_id: homeowner.request_id.clone(),
    };
    let awarded = marketplace::award(tx, award)?;
    if identity::suspended_since(tx.conn(), PersonId::from(awarded.contractor.uuid()))?.is_some() {
        return Err(Error::ContractorUnavailable);
    }
    let now = tx.now()?;
    let contract = Contract {
        id: ContractId::new(),
        job_id: awarded.job_id,
        bid_id: awarded.bid_id,
        homeowner: awarded.homeowner,
        contractor: awarded.contractor,
        title: awarded.title.clone(),
        price: awarded.amount,
        status: ContractStatus::PendingSignatures,
        terms: service.settings.terms(command.inspection_days),
        document_version: 1,
        version: 1,
        sign_by: now + Duration::hours(24 * i64::from(service.settings.signing_days)),
        activated_at: None,
        work_started_at: None,
        completed_at: None,
        terminated: None,
        verification_lapsed_at: None,
        created_at: now,
        updated_at: now,
    };
    let span = Span {
        start: awarded.start_date.unwrap_or_else(|| now.date_naive()),
        days: awarded
            .duration_days
            .and_then(|days| u32::try_from(days).ok())
            .unwrap_or_else(|| u32::from(service.settings.default_duration_days)),
    };
    let particulars = particulars(tx, &awarded, span)?;
    let sealed = text::seal_particulars(tx, &service.vault, contract.id, &particulars)?;
    store::insert_contract(tx.conn(), &NewContract { contract: &contract, particulars: &sealed })?;
    store::insert_milestones(tx.conn(), &milestones(&contract, awarded, span)?)?;
    trail::made(tx, &contract);
    text::keep(tx, &service.vault, &contract, &particulars, now)?;
    outbox::enqueue_at(tx, &SigningLapse { contract_id: contract.id }, contract.sign_by);
    let price = json!({
        "bidId": contract.bid_id,
        "amount": contract.price.minor(),
        "currency": contract.price.currency().code(),
        "signBy": contract.sign_by,
    });
    tell(tx, &contract, "contract.created", &homeowner.request_id, price);
    views::contract(tx.conn(), contract, homeowner.party)
}

fn particulars(tx: &mut Tx<'_>, awarded: &Awarded, span: Span) -> Result<Particulars, Error> {
    let cards = identity::cards(tx.conn(), &[awarded.homeowner, awarded.contractor])?;
    let name = |party: PartyId| -> Result<String, Error> {
        let card: &PersonCard = cards.get(&party).ok_or_else(|| corrupt("a party without a person"))?;
        Ok(card.full_name.clone())
    };
    Ok(Particulars {
        homeowner_name: name(awarded.homeowner)?,
        contractor_name: name(awarded.contractor)?,
        job_category: awarded.category.clone(),
        job_place: awarded.address.one_line(),
        job_description: awarded.description.clone(),
        bid_terms: awarded.terms.clone(),
        starts_on: span.start,
        ends_on: span.start.checked_add_days(chrono::Days::new(u64::from(span.days))).unwrap_or(span.start),
    })
}

fn milestones(contract: &Contract, awarded: Awarded, span: Span) -> Result<Vec<NewMilestone>, Error> {
    let proposals: Vec<Proposal> = awarded
        .milestones
        .into_iter()
        .map(|stage| Proposal {
            title: stage.title,
            description: stage.description,
            amount: stage.amount,
            due: stage.due_date,
        })
        .collect();
    let planned =
        rules::plan_milestones(&contract.title, contract.price, &proposals, span).map_err(corrupt)?;
    Ok(planned
        .into_iter()
        .map(|planned| NewMilestone {
            id: MilestoneId::new(),
            contract: contract.id,
            ordinal: planned.ordinal,
            title: planned.title,
            description: planned.description,
            deliverables: Vec::new(),
            amount: planned.amount,
            start_date: None,
            due_date: planned.due,
            created_at: contract.created_at,
        })
        .collect())
}
