//! From files to a running node.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use super::daemon::{Daemon, Parts};
use super::node::Node;
use super::phase::End;
use super::picture::Constant;
use super::refusals::Refusals;
use super::reload::{self, Fingerprint};
use super::serve::Sockets;
use super::setup::{self, Identity, Read};
use super::work::Workshop;
use super::{EXIT_CONFIG, Options, rc_scripts};
use crate::agents::{Executor, Paths, Timeouts};
use crate::config::ha_cf::HaCf;
use crate::config::haresources::Haresources;
use crate::config::identity::{self, Hostcache};
use crate::config::render;
use crate::ids::NodeName;
use crate::proto::heartbeat::{Cluster, ClusterConfig, Severity};
use crate::runtime::clock;
use crate::runtime::log::{Log, LogConfig, Logger, cluster_user};
use crate::runtime::media::{Envelope, Media};
use crate::runtime::pidfile::{self, PidFile};
use crate::runtime::watchdog::Watchdog;
use crate::v1::{self, Manager};
use crate::wire::heartbeat::auth::Keyring;

/// Where sockets and passing state are.
const RUN_DIR: &str = "/run/heartbeat";

/// A daemon that is ready to run.
#[derive(Debug)]
pub struct Running {
    options: Options,
    local: NodeName,
    config: HaCf,
    resources: Option<Haresources>,
    keyring: Keyring,
    cluster: ClusterConfig,
    files: Fingerprint,
    log: Log,
    pid_file: PidFile,
}

/// Reads and checks everything, writes the pid file and the generation. `None`: the
/// configuration can't be used; what is wrong is on stderr.
pub fn start(options: &Options) -> anyhow::Result<Option<Running>> {
    let files = Fingerprint::of(&options.config_dir);
    let read = setup::read(&options.config_dir);
    show_on_stderr(&read);
    let unusable = !read.complain(|_, _| {});
    let findings = read.findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (Some(local), Some(config), Some(keyring)) = (read.local, read.config, read.keyring) else {
        return Ok(refuse());
    };
    if unusable {
        return Ok(refuse());
    }
    make_folders()?;
    let pid_file = PidFile::claim(Path::new(pidfile::PATH))?;
    let log = Log::start(log_config(&config, &local, options)).context("can't start the log")?;
    let logger = log.logger();
    for finding in findings {
        logger.log(Severity::Warning, finding);
    }
    let identity = identify(&config, &logger)?;
    let caches = caches(&config);
    let cluster = setup::cluster_config(&config, &local, identity, caches);
    let resources = read.resources.filter(|_| options.resources);
    let options = options.clone();
    Ok(Some(Running {
        options, local, config, resources, keyring, cluster, files, log, pid_file,
    }))
}

fn refuse() -> Option<Running> {
    eprintln!("heartbeat: Configuration error, heartbeat not started (exit {EXIT_CONFIG}).");
    None
}

fn show_on_stderr(read: &Read) {
    let styled = std::io::stderr().is_terminal();
    for finding in &read.findings {
        eprintln!("{}", render::text(finding, styled));
    }
}

fn make_folders() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for dir in [RUN_DIR, identity::DIR] {
        std::fs::create_dir_all(dir).with_context(|| format!("can't make {dir}"))?;
    }
    let scratch = Path::new(RUN_DIR).join("rsctmp");
    // Left-overs of agents from before the last boot mean nothing.
    let _ = std::fs::remove_dir_all(&scratch);
    std::fs::create_dir_all(&scratch)?;
    std::fs::set_permissions(&scratch, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn log_config(config: &HaCf, local: &NodeName, options: &Options) -> LogConfig {
    let mut log = LogConfig::quiet("heartbeat", local.as_str());
    log.logfile.clone_from(&config.logfile);
    log.debugfile.clone_from(&config.debugfile);
    log.facility = config.logfacility.map(|f| f.code);
    if log.logfile.is_none() && log.debugfile.is_none() && log.facility.is_none() {
        // heartbeat hands its lines to ha_logd then, which hands them to syslog.
        log.facility = Some(3);
    }
    log.syslog_format = config.syslogmsgfmt;
    log.stderr = options.log_to_stderr;
    log.owner = cluster_user();
    log.debug = config.debug.saturating_add(options.debug);
    log
}

fn identify(config: &HaCf, log: &Logger) -> anyhow::Result<Identity> {
    let dir = Path::new(identity::DIR);
    let uuid = identity::load_uuid(dir)
        .with_context(|| format!("can't read or make {}/hb_uuid", dir.display()))?;
    let unix_s = clock::now().unix_s;
    let generation = identity::next_generation(dir, config.hbgenmethod, unix_s)
        .with_context(|| format!("can't write {}/hb_generation", dir.display()))?;
    log.log(Severity::Info, format!("heartbeat: version {}", super::VERSION));
    if generation.previous.is_none() {
        let text = format!("No Previous generation - starting at {}", generation.current.0);
        log.log(Severity::Warning, text);
    }
    log.log(Severity::Info, format!("Heartbeat generation: {}", generation.current.0));
    Ok(Identity { uuid: uuid.uuid, generation: generation.current })
}

fn caches(config: &HaCf) -> (Hostcache, Hostcache) {
    use crate::config::ha_cf::AutoJoin;
    if config.autojoin == AutoJoin::None {
        return Default::default();
    }
    let load = |file: &str| {
        let path = Path::new(identity::DIR).join(file);
        Hostcache::load(&path).map(|(cache, _)| cache).unwrap_or_default()
    };
    (load("hostcache"), load("delhostcache"))
}

impl Running {
    /// Runs until the daemon ends.
    pub fn run(self) -> anyhow::Result<End> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (log, pid_file) = (self.log.logger(), self.pid_file);
        let local = self.local.clone();
        log.log(Severity::Info, format!("Configuration validated. Starting {}", super::VERSION));
        let _log = self.log;
        let local_tasks = tokio::task::LocalSet::new();
        let end = local_tasks.block_on(&runtime, async {
            let now = clock::now();
            let mut seed = [0; 8];
            getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
            let manager = self.resources.as_ref().map(|resources| {
                let config = manager_config(&self.config, &local, resources);
                match reload::take_up(self.options.state_file.as_deref()) {
                    Some(saved) if self.options.resume => Manager::resume(config, saved, now),
                    _ => Manager::new(config, now),
                }
            });
            let stonith = crate::agents::stonith::Device::of(&self.config, &local);
            let executor = Executor::new(Paths::default(), Timeouts::default());
            let (workshop, results) = Workshop::new(executor, stonith, log.clone());
            let node = Node {
                cluster: Cluster::new(self.cluster, now, u64::from_ne_bytes(seed)),
                manager,
                keyring: self.keyring,
                envelope: Envelope::of(&self.config),
                refusals: Refusals::default(),
                media: Media::open(&self.config.media, log.clone()),
                watchdog: open_watchdog(&self.config, &log),
                config: self.config,
                log: log.clone(),
                workshop,
                wishes: Vec::new(),
                events: Vec::new(),
                buffer: Vec::new(),
            };
            let parts = Parts {
                sockets: Sockets::open(&node)?,
                node,
                results,
                constant: Constant { pid: std::process::id(), since_unix: now.unix_s },
                files: self.files,
                in_terminal: self.options.log_to_stderr && std::io::stdin().is_terminal(),
            };
            Daemon::new(parts)?.run().await
        })?;
        if end == End::Exit {
            pid_file.remove()?;
        }
        Ok(end)
    }
}

fn open_watchdog(config: &HaCf, log: &Logger) -> Option<Watchdog> {
    let path = config.watchdog.as_ref()?;
    match Watchdog::open(path, config.deadtime + Duration::from_millis(10)) {
        Ok(watchdog) => Some(watchdog),
        Err(why) => {
            let text = format!("Cannot open watchdog device: {}: {why}", path.display());
            log.log(Severity::Error, text);
            None
        }
    }
}

fn manager_config(config: &HaCf, local: &NodeName, resources: &Haresources) -> v1::Config {
    let ipfail = config.respawn.iter().any(|child| child.name() == "ipfail");
    let pings = config.node_table.iter().filter(|n| n.ping).map(|n| n.name.clone());
    v1::Config {
        local: local.clone(),
        nodes: config.nodes.clone(),
        groups: v1::Group::list(resources),
        auto_failback: config.auto_failback,
        stonith: crate::agents::stonith::is_configured(config, local),
        keepalive: config.keepalive,
        deadtime: config.deadtime,
        pid: std::process::id(),
        rc_scripts: rc_scripts::of(&Paths::default().rc_dir),
        ipfail: ipfail.then(|| pings.collect()),
    }
}
