//! The demo: what is put into a new installation, and the walk through the main job as a client sees it.

mod client;
mod teller;
