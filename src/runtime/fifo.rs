//! stub
use crate::runtime::log::Logger;
use crate::wire::heartbeat::Message;
use std::path::Path;
/// p
pub const PATH: &str = "/var/lib/heartbeat/fifo";
/// f
#[derive(Debug)]
pub struct Fifo;
impl Fifo {
    /// o
    pub fn open(_: &Path, _: Logger) -> std::io::Result<Self> {
        Ok(Self)
    }
    /// n
    pub async fn next(&mut self) -> Message {
        std::future::pending().await
    }
}
