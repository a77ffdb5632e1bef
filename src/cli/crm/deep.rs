//! Work that follows long chains of orderings, each a call within the last.

/// Room for them: some 1,000 bytes for each.
const STACK_BYTES: usize = 512 << 20;

/// Does work on a thread with a large stack.
///
/// Errors: the system makes no more threads. A panic goes on here.
pub fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
        let running = worker.spawn_scoped(scope, work)?;
        match running.join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
