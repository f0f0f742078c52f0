//! Who an access token belongs to, and whether its session still lives.

use kernel::Actor;
use platform::Platform;

use crate::app::App;
use crate::http::Problem;

/// The longest access token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// Checks access tokens.
pub(crate) struct Sessions {}

impl Sessions {
    pub(crate) fn new(_: &Platform) -> Self {
        Self {}
    }

    /// # Errors
    /// 401 for a token that is not ours, has expired, or whose session has ended.
    pub(crate) async fn authenticate(
        &self,
        app: &App,
        token: &str,
        request_id: &str,
    ) -> Result<Actor, Problem> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Problem::unauthenticated());
        }
        let (token, request_id) = (token.to_owned(), request_id.to_owned());
        app.lanes().read(move |queries| Ok(queries.identity.authenticate(&token, &request_id)?)).await
    }
}
