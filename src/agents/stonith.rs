//! stub
use crate::config::ha_cf::HaCf;
use crate::ids::NodeName;
#[derive(Debug)]
pub struct Device;
impl Device {
    pub fn of(_: &HaCf, _: &NodeName) -> Option<Self> {
        None
    }
    pub async fn reset(&self, _: &NodeName) -> Result<(), String> {
        Err("x".into())
    }
}
pub fn is_configured(_: &HaCf, _: &NodeName) -> bool {
    false
}
