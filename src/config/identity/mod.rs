//! Identity files: hb_uuid, hb_generation, hostcache.
