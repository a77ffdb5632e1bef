//! The list of uptimes.
//!
//! Layout: a list field; each number with its bytes turned round, as a signed decimal number.
//! Source: heartbeat 3.0.6, `ccm_mem_filluptime`, on little-endian machines: 1 is `16777216`.
//! Nodes of the other kind write what only their like can read; none is known.

use crate::limits;
use crate::wire::heartbeat::Value;

/// The field's value.
pub fn encode(uptimes: &[u32]) -> Value {
    let item = |uptime: &u32| uptime.swap_bytes().cast_signed().to_string().into_bytes();
    Value::List(uptimes.iter().map(item).collect())
}

/// Reads the field; `None` for what is no list of numbers, or a longer one than a table of
/// nodes is.
pub fn decode(value: &Value) -> Option<Vec<u32>> {
    let Value::List(items) = value else {
        return None;
    };
    if items.len() > limits::HEARTBEAT_NODES_MAX {
        return None;
    }
    let number = |item: &Vec<u8>| {
        let number: i32 = std::str::from_utf8(item).ok()?.parse().ok()?;
        Some(number.cast_unsigned().swap_bytes())
    };
    items.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_turned_round() {
        let Value::List(items) = encode(&[1, 2, 10, 128]) else {
            panic!("a list");
        };
        let words: Vec<_> = items
            .iter()
            .map(|i| std::str::from_utf8(i).unwrap())
            .collect();
        assert_eq!(words, ["16777216", "33554432", "167772160", "-2147483648"]);
        assert_eq!(decode(&Value::List(items)), Some(vec![1, 2, 10, 128]));
    }

    #[test]
    fn other_lists_are_none() {
        assert_eq!(decode(&Value::Text(b"8:16777216,".to_vec())), None);
        assert_eq!(decode(&Value::List(vec![b"x".to_vec()])), None);
        assert_eq!(decode(&Value::List(vec![b"1".to_vec(); 101])), None);
    }
}
