//! The haresources manager: resource groups, take-over, give-up, standby.
