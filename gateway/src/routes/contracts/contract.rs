//! `/api/contracts`: the list, one of them, and signing it.

use contracts::{ContractFilter, ContractId, DocumentHash, SignContract};
use kernel::Faults;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::views::{ContractCard, ContractState, ContractView, version};
use crate::{Body, Context, Operation, Paging, Path, Problem, Query, Reply, SignedIn, Who, error};

/// Which contracts are wanted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ContractListFilter {
    /// Only those in this state; all without it.
    pub status: Option<ContractState>,
}

/// A signature.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContractSigning {
    /// The SHA-256 of the text that was read, as the document names it.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-fA-F]{64}$")]
    pub document_sha256: String,
}

/// The contracts of whoever asks.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/contracts")
            .summary("List contracts")
            .description("Those that the caller is a party to; all of them for administrators.")
            .by(Who::SignedIn)
            .query::<ContractListFilter>()
            .lists::<ContractCard>("Contracts, newest first.", ContractCard::example())
            .to(list_contracts),
        Operation::get("/api/contracts/{contractId}")
            .summary("Get a contract")
            .description("For its two parties, and for administrators. `allowedActions` says what the caller may do with it now.")
            .by(Who::SignedIn)
            .answers::<ContractView>(200, "The contract.", ContractView::example())
            .to(get_contract),
        Operation::post("/api/contracts/{contractId}/sign")
            .summary("Sign a contract")
            .description("Both parties sign the same text, named by its SHA-256; the second signature makes the contract active. Kept with it: the hash, the instant and, encrypted, the address it came from.")
            .by(Who::SignedIn)
            .body::<ContractSigning>(ContractSigning { document_sha256: DocumentHash::of("").as_str().to_owned() })
            .if_match()
            .answers::<ContractView>(200, "Signed.", ContractView::example())
            .errors(&[
                error(403, "wrong_party", "The caller sees the contract and is not a party to it."),
                error(403, "email_not_verified", "The caller's e-mail address has not been verified."),
                error(409, "document_changed", "The text is no longer the one of this hash: read it again."),
                error(409, "signing_period_over", "Seven days have passed; the contract is about to end."),
                error(409, "contract_state", "The caller has signed, or the contract is active or has ended.")
                    .in_state("PENDING_SIGNATURES", &["add_milestone", "edit_milestone"]),
            ])
            .to(sign_contract),
    ]
}

async fn list_contracts(
    context: Context,
    actor: SignedIn,
    filter: Query<ContractListFilter>,
    paging: Paging,
) -> Result<Reply, Problem> {
    let (after, limit) = (paging.position()?, paging.limit());
    let filter = ContractFilter { status: filter.status.map(Into::into) };
    let page =
        context.read(move |queries| queries.contracts.list_contracts(&actor, filter, limit, after)).await?;
    Ok(paging.reply(page, ContractCard::from))
}

async fn get_contract(context: Context, actor: SignedIn, id: Path<ContractId>) -> Result<Reply, Problem> {
    let found = context.read(move |queries| queries.contracts.get_contract(&actor, *id)).await?;
    let version = found.contract.version;
    Ok(Reply::ok(&ContractView::from(found)).version(version))
}

async fn sign_contract(
    context: Context,
    actor: SignedIn,
    id: Path<ContractId>,
    body: Body<ContractSigning>,
) -> Result<Reply, Problem> {
    let command = signing(&context, *id, &body)?;
    context
        .command(
            move |commands| commands.contracts.sign(&actor, &command),
            |signed| {
                let version = signed.contract.version;
                Reply::ok(&ContractView::from(signed)).version(version)
            },
        )
        .await
}

fn signing(context: &Context, contract: ContractId, body: &ContractSigning) -> Result<SignContract, Problem> {
    let mut faults = Faults::none();
    let hash = faults.take("/documentSha256", DocumentHash::parse(&body.document_sha256));
    let Some(document_sha256) = hash else { return Err(faults.into()) };
    Ok(SignContract {
        contract,
        document_sha256,
        address: Some(context.address().to_string()),
        user_agent: context.user_agent().map(str::to_owned),
        if_version: version(context.expected_version()?),
    })
}
