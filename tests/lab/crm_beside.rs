//! The fencer beside pacemaker's own: the same devices, levels and orders on real corosync with
//! pacemaker and on ours; the agents write down what they are asked for, and in which order.
//!
//! Where no levels say which of two devices comes first, pacemaker's order is that of a hash: there
//! only how often each is used is compared.
//!
//! What is fenced is no member: nobody has to die for it.

use super::*;

/// An agent that writes down what it is to do, and fails as it is told: `fails` names actions,
/// `times` how often (for ever if it isn't given).
const RECORDER: &str = r#"#!/bin/sh
input=$(cat)
get() { echo "$input" | sed -n "s/^$1=//p" | tail -n 1; }
action=$(get action)
case $action in
metadata) echo "<resource-agent name='recorder'><parameters><parameter name='plug'/>\
<parameter name='label'/><parameter name='fails'/><parameter name='times'/></parameters>\
<actions><action name='on'/><action name='off'/>REBOOT<action name='list'/>\
<action name='status'/><action name='monitor'/></actions></resource-agent>";;
list) echo "x,"; exit 0;;
on|off|reboot)
	label=$(get label)
	echo "$(date +%s%N) $label $action $(get plug)" >>/var/log/recorded
	times=$(get times)
	done=$(cat /var/log/recorded | grep -c " $label $action ")
	case " $(get fails) " in
	*" $action "*) [ "$done" -gt "${times:-999}" ] || { echo "stuck" >&2; exit 1; };;
	esac;;
esac
exit 0
"#;

/// How the original is started: its second part needs the first.
const ORIGINAL: &str = "mkdir -p /var/log/pacemaker /var/log/cluster; corosync -f & \
                        until corosync-quorumtool -s >/dev/null 2>&1 || [ $? = 2 ]; \
                        do sleep 0.02; done; pacemakerd & wait";

/// Devices, levels, and what is asked for.
struct Case {
    what: &'static str,
    devices: Vec<String>,
    levels: &'static [&'static str],
    ask: &'static str,
}

fn recorder(label: &str, agent: &str, more: &[(&str, &str)]) -> String {
    let fixed = [("label", label), ("pcmk_host_list", "x")];
    let all = fixed.iter().chain(more).enumerate();
    let pairs: String = all
        .map(|(at, (name, value))| {
            format!("<nvpair id=\"{label}-{at}\" name=\"{name}\" value=\"{value}\"/>")
        })
        .collect();
    format!(
        "<primitive id=\"{label}\" class=\"stonith\" type=\"{agent}\">\
         <instance_attributes id=\"{label}-i\">{pairs}</instance_attributes></primitive>"
    )
}

fn cases() -> Vec<Case> {
    let well = |label: &str| recorder(label, "fence_recorder", &[]);
    let fails = |label: &str, more: &[(&str, &str)]| {
        let more: Vec<_> = [("fails", "off reboot")]
            .iter()
            .chain(more)
            .copied()
            .collect();
        recorder(label, "fence_recorder", &more)
    };
    let case = |what, devices, levels, ask| Case {
        what,
        devices,
        levels,
        ask,
    };
    vec![
        case("one device", vec![well("d1")], &[], "-B x"),
        case("off", vec![well("d1")], &[], "-F x"),
        case("on", vec![well("d1")], &[], "-U x"),
        case(
            "a device that fails is tried again",
            vec![fails("d1", &[("times", "1")])],
            &[],
            "-B x",
        ),
        case(
            "all fail",
            vec![fails("d1", &[]), fails("d2", &[])],
            &[],
            "-F x",
        ),
        case(
            "as many tries as it says",
            vec![fails("d1", &[("pcmk_off_retries", "4")])],
            &[],
            "-F x",
        ),
        case(
            "no reboot",
            vec![recorder("d1", "fence_unboot", &[])],
            &[],
            "-B x",
        ),
        case(
            "another action for reboot",
            vec![recorder(
                "d1",
                "fence_recorder",
                &[("pcmk_reboot_action", "off")],
            )],
            &[],
            "-B x",
        ),
        case(
            "the second level has two",
            vec![fails("d1", &[]), well("d2"), well("d3")],
            &["d1", "d2,d3"],
            "-B x",
        ),
        case(
            "the second of a level fails",
            vec![well("d1"), fails("d2", &[]), well("d3")],
            &["d1,d2", "d3"],
            "-F x",
        ),
        case(
            "what fails to come on again is down",
            vec![
                well("d1"),
                recorder("d2", "fence_recorder", &[("fails", "on")]),
            ],
            &["d1,d2"],
            "-B x",
        ),
        case(
            "all levels fail",
            vec![fails("d1", &[]), fails("d2", &[])],
            &["d1", "d2"],
            "-B x",
        ),
        case(
            "a map names the port",
            vec![recorder(
                "d1",
                "fence_recorder",
                &[("pcmk_host_map", "x:7")],
            )],
            &[],
            "-B x",
        ),
    ]
}

/// Starts the daemons of one kind.
fn start(cluster: &mut Cluster, host: &str, original: bool) {
    if !original {
        return cluster.start(host);
    }
    lay_over(&cluster.lab, host).expect("the agents are laid over /usr");
    let mut command = cluster.lab.host(host).background("sh");
    command
        .args(["-c", ORIGINAL])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    cluster
        .running
        .push(command.spawn().expect("the daemons start"));
}

/// What the agents were asked for in each case, and whether it ended well.
fn recorded(name: &str, original: bool) -> Option<Vec<String>> {
    let mut cluster = Cluster::new(name, Totem)?;
    for host in HOSTS {
        let full = RECORDER.replace("REBOOT", "<action name='reboot'/>");
        let unboot = RECORDER.replace("REBOOT", "");
        put_below_usr(&cluster.lab, host, ("sbin/fence_recorder", full.as_bytes()));
        put_below_usr(&cluster.lab, host, ("sbin/fence_unboot", unboot.as_bytes()));
        start(&mut cluster, host, original);
    }
    let tool = |line: &str| match original {
        true => line.to_owned(),
        false => format!("{PROGRAM} {line}"),
    };
    let run = |line: &str| shell(&cluster.lab, "a", &tool(line));
    let online = within(PATIENCE * 3, || {
        run("crm_mon -1").is_ok_and(|told| told.contains("Online: [ a b c ]"))
    });
    assert!(online, "{:?}", run("crm_mon -1"));
    let config = format!("cibadmin -R -o crm_config -X '{OPTIONS}'");
    run(&config).expect("options");
    let lines = cases().into_iter().map(|case| {
        let levels = case.levels.iter().enumerate().map(|(at, devices)| {
            let index = at + 1;
            format!(
                "<fencing-level id=\"l{index}\" index=\"{index}\" target=\"x\" \
                 devices=\"{devices}\"/>"
            )
        });
        let levels: String = levels.collect();
        // Without the old devices, so that each begins as new.
        let devices = format!("<resources>{}</resources>", case.devices.concat());
        for xml in ["<resources/>", &devices] {
            run(&format!("cibadmin -R -o resources -X '{xml}'")).expect("devices");
            run("crm_resource --wait").expect("they run");
        }
        let topology = format!("<fencing-topology>{levels}</fencing-topology>");
        let line = format!("cibadmin -R -c -o fencing-topology -X '{topology}'");
        let create = format!("cibadmin -M -c -o configuration -X '{topology}'");
        run(&line).or_else(|_| run(&create)).expect("levels");
        std::thread::sleep(Duration::from_secs(2));
        for host in HOSTS {
            shell(&cluster.lab, host, "rm -f /var/log/recorded").expect("a log less");
        }
        let well = run(&format!("stonith_admin {} -t 30", case.ask)).is_ok();
        let logs = HOSTS
            .into_iter()
            .map(|host| cluster.lab.host(host).read("/var/log/recorded"));
        let mut all: Vec<String> = logs
            .flatten()
            .flat_map(|log| log.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        all.sort();
        let mut done: Vec<&str> = all
            .iter()
            .filter_map(|l| Some(l.split_once(' ')?.1))
            .collect();
        if case.levels.is_empty() {
            done.sort_unstable();
        }
        let end = if well { "well" } else { "failed" };
        format!("{}: {}; {end}", case.what, done.join(", "))
    });
    let lines: Vec<String> = lines.collect();
    cluster.end();
    Some(lines)
}

#[test]
#[ignore = "full matrix: minutes, with real corosync and pacemaker"]
fn the_fencer_does_what_pacemakers_does() {
    if !Path::new("/usr/sbin/pacemakerd").exists() {
        return println!("SKIPPED: pacemaker is not installed");
    }
    let Some(theirs) = recorded("crmb1", true) else {
        return;
    };
    theirs.iter().for_each(|line| println!("pacemaker: {line}"));
    let ours = recorded("crmb2", false).expect("another lab");
    ours.iter().for_each(|line| println!("everbeat:  {line}"));
    assert_eq!(ours, theirs);
}
