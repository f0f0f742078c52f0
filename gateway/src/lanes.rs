//! The way from the server's async threads to the services, which block: reads, commands and heavy work apart.

use database::{Db, PgConnection};
use platform::{Commands, Platform, Queries};

use crate::http::Problem;

/// Runs work where it may block.
pub(crate) struct Lanes {
    db: Db,
    commands: Commands,
}

impl Lanes {
    pub(crate) fn new(platform: &Platform) -> Self {
        Self { db: platform.db().clone(), commands: platform.commands().clone() }
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queries) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let queries = self.commands.queries.clone();
        run(move || work(&queries)).await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Db, &Commands) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (db, commands) = (self.db.clone(), self.commands.clone());
        run(move || work(&db, &commands)).await
    }

    /// Reads with no service in between: for looking at the database itself.
    pub(crate) async fn database<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut PgConnection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let db = self.db.clone();
        run(move || db.read(work)).await
    }

    pub(crate) async fn heavy<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Commands) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let commands = self.commands.clone();
        run(move || work(&commands)).await
    }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Problem::internal(error.to_string())),
    }
}
