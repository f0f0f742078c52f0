//! The fairtrade command; what it does stands in `gateway::command`.

fn main() -> std::process::ExitCode {
    gateway::command::main()
}
