//! HTTP over the domains.
