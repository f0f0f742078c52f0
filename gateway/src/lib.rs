#![doc = include_str!("../README.md")]

mod app;
pub mod command;
pub mod config;
pub mod demo;
mod gate;
mod http;
mod jobs;
mod keyed;
mod lanes;
mod middleware;
mod open_jobs;
pub mod openapi;
mod operation;
mod rates;
mod readiness;
mod refusals;
mod request;
pub mod routes;
mod server;
mod sessions;
pub mod settings;
mod table;
mod telemetry;
mod transfer;
mod views;

pub use app::App;
pub use http::{Cookie, PROBLEM_JSON, Problem, ProblemBlocker, ProblemFault, ProblemView, Reply, Version};
pub use operation::{ErrorDoc, Key, Operation, OperationBuilder, Rate, Shape, Who, error};
pub use request::{
    Admin, Body, Context, Contractor, Cookies, Homeowner, Id, Incoming, MaybeSignedIn, OptionalBody, Paging,
    Path, PathPair, Query, RawBody, Secret, SignedIn,
};
pub use server::{Server, StartError};
pub use settings::ServerConfig;
