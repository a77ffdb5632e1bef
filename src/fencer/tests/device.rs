use super::super::*;
use crate::cib::read;
use std::time::Duration;

const CIB: &str = r#"<cib><configuration><resources>
 <primitive id="ipmi" class="stonith" type="fence_ipmilan">
  <instance_attributes id="i"><nvpair id="1" name="pcmk_host_list" value="n1, N2"/>
   <nvpair id="2" name="ip" value="10.0.0.1"/><nvpair id="3" name="pcmk_off_timeout" value="20s"/>
   <nvpair id="4" name="pcmk_reboot_action" value="off"/></instance_attributes></primitive>
 <clone id="c"><primitive id="pdu" class="stonith" type="fence_apc">
  <instance_attributes id="p"><nvpair id="5" name="pcmk_host_map" value="n1:7;n3:8"/>
   <nvpair id="6" name="pcmk_host_argument" value="plug"/></instance_attributes></primitive></clone>
 <primitive id="old" class="stonith" type="fence_x"><meta_attributes id="m">
  <nvpair id="7" name="target-role" value="Stopped"/></meta_attributes></primitive>
 <primitive id="any" class="stonith" type="fence_xvm"/>
 </resources><fencing-topology>
  <fencing-level id="l2" target="n1" index="2" devices="pdu"/>
  <fencing-level id="l1" target="n1" index="1" devices="ipmi,pdu"/>
 </fencing-topology></configuration></cib>"#;

fn device(id: &str) -> Device {
    let all = devices(&read(CIB).unwrap());
    all.into_iter().find(|device| device.id == id).unwrap()
}

#[test]
fn devices_say_whom_they_can_fence() {
    let ids: Vec<String> = devices(&read(CIB).unwrap())
        .into_iter()
        .map(|d| d.id)
        .collect();
    assert_eq!(ids, ["ipmi", "pdu", "any"]);
    assert_eq!(device("ipmi").covers("n2", Support::default()), Covers::Yes);
    assert_eq!(device("ipmi").covers("n3", Support::default()), Covers::No);
    assert_eq!(device("pdu").covers("n3", Support::default()), Covers::Yes);
    assert_eq!(
        device("any").covers("n1", Support::default()),
        Covers::Status
    );
    assert!(device("pdu").is_in_list("n1", "8,off\n7,on\n"));
    assert!(!device("any").is_in_list("n1", "n2\n"));
}

#[test]
fn devices_are_called_as_fence_agents_read_it() {
    let call = device("ipmi").call("reboot", Some("n1"), Support::default());
    assert_eq!(
        call.input,
        "action=off\nnodename=n1\nport=n1\nip=10.0.0.1\n"
    );
    assert_eq!(call.program.to_str(), Some("/usr/sbin/fence_ipmilan"));
    let off = device("ipmi").call("off", Some("n1"), Support::default());
    assert_eq!((off.timeout, off.tries), (Some(Duration::from_secs(20)), 2));
    let call = device("pdu").call("off", Some("n3"), Support::default());
    assert_eq!(call.input, "action=off\nnodename=n3\nplug=8\n");
    assert_eq!(
        device("pdu")
            .call("monitor", None, Support::default())
            .input,
        "action=monitor\n"
    );
}

#[test]
fn levels_come_by_index_and_two_devices_reboot_by_off_and_on() {
    let cib = read(CIB).unwrap();
    let topology = Topology::read(&cib);
    let levels = topology.of("N1", |_| None);
    assert_eq!(
        levels,
        [vec!["ipmi".to_owned(), "pdu".into()], vec!["pdu".into()]]
    );
    let of = |level: &Level, action| -> Vec<String> {
        let all = steps(level, action).into_iter();
        all.map(|s| {
            format!(
                "{} {}{}",
                s.device,
                s.action,
                if s.may_fail { "?" } else { "" }
            )
        })
        .collect()
    };
    assert_eq!(
        of(&levels[0], "reboot"),
        ["ipmi off", "pdu off", "ipmi on?", "pdu on?"]
    );
    assert_eq!(of(&levels[1], "reboot"), ["pdu reboot"]);
    assert!(topology.of("n2", |_| None).is_empty());
}
