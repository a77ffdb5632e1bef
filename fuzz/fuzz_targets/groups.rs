//! A stream of frames of the groups' socket, as the node and as a client reads it.
#![no_main]

use everbeat::wire::ipc::groups::{BODY_BYTES_MAX, Told, Wish, body};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(Some(range)) = body(rest, BODY_BYTES_MAX) {
        let (frame, more) = rest.split_at(range.end);
        let inside = &frame[range];
        if let Ok(wish) = Wish::decode(inside) {
            let mut again = Vec::new();
            wish.encode_into(&mut again);
            let range = body(&again, BODY_BYTES_MAX).unwrap().unwrap();
            assert_eq!(Wish::decode(&again[range]), Ok(wish));
        }
        if let Ok(told) = Told::decode(inside) {
            let mut again = Vec::new();
            told.encode_into(&mut again);
            let range = body(&again, usize::MAX).unwrap().unwrap();
            assert_eq!(Told::decode(&again[range]), Ok(told));
        }
        rest = more;
    }
});
