//! An agent's own words for why it failed.

/// What an agent puts before its reason on standard error (`OCF_EXIT_REASON_PREFIX`).
/// Source: OCF resource agent API 1.1; Pacemaker 2.1.5, `PCMK_OCF_REASON_PREFIX`.
pub const PREFIX: &str = "ocf-exit-reason:";

/// The last reason in what an agent wrote to standard error; none if it gave none.
///
/// ```
/// # use everbeat::executor::exit_reason;
/// let stderr = "ocf-exit-reason:no such file\nocf-exit-reason:  no disk \nmore\n";
/// assert_eq!(exit_reason(stderr), Some("no disk"));
/// assert_eq!(exit_reason("ocf-exit-reason:"), None);
/// ```
pub fn exit_reason(stderr: &str) -> Option<&str> {
    let mut reasons = stderr.lines().filter_map(|line| line.strip_prefix(PREFIX));
    reasons
        .next_back()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}
