//! `fairtrade doctor`: looks at the machine, and says what is wrong and what to do about it.

mod check;
mod machine;
