//! From files to a running node.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::daemon::{Daemon, Parts};
use super::membership::Membership;
use super::node::Node;
use super::phase::End;
use super::picture::Constant;
use super::refusals::Refusals;
use super::reload::{self, Fingerprint};
use super::serve::Sockets;
use super::setup::{self, Identity};
use super::talk::Talk;
use super::work::Workshop;
use super::{EXIT_CONFIG, Options, crm, rc_scripts};
use crate::agents::{Executor, Paths, Timeouts};
use crate::config::diagnostic::Diagnostic;
use crate::config::ha_cf::{CrmMode, HaCf};
use crate::config::haresources::Haresources;
use crate::config::host::{Host, ThisHost};
use crate::config::identity::{self, Hostcache};
use crate::config::{self, Configuration, Plain, render};
use crate::ids::NodeName;
use crate::proto::heartbeat::{Cluster, ClusterConfig, Severity};
use crate::runtime::clock;
use crate::runtime::log::{Log, LogConfig, Logger, RateLimit, cluster_user};
use crate::runtime::media::{Envelope, Media};
use crate::runtime::pidfile::{self, PidFile};
use crate::runtime::watchdog::Watchdog;
use crate::sys::realtime;
use crate::time::Now;
use crate::v1::{self, Guard, GuardConfig, Manager};

/// Where sockets and passing state are.
const RUN_DIR: &str = "/run/heartbeat";

/// Answers to `everbeat ping` in a second, at most: a node with ten media and a few tools.
const ECHOES_PER_SECOND: u32 = 100;

/// A daemon that is ready to run.
#[derive(Debug)]
pub struct Running {
    options: Options,
    configuration: Configuration,
    cluster: ClusterConfig,
    files: Fingerprint,
    log: Log,
    pid_file: PidFile,
}

/// Reads and checks everything, takes the pid file, writes the generation. `None`: the
/// configuration can't be used; what is wrong is on stderr.
pub fn start(options: &Options) -> anyhow::Result<Option<Running>> {
    let files = Fingerprint::of(&options.config_dir);
    let host = ThisHost::new(&options.config_dir);
    let (configuration, findings) = config::load(&options.config_dir, &host, Plain::Taken);
    show_on_stderr(&findings);
    let (Some(configuration), Some(local)) = (configuration, host.node_name()) else {
        eprintln!("heartbeat: Configuration error, heartbeat not started (exit {EXIT_CONFIG}).");
        return Ok(None);
    };
    if let Some(refusal) = setup::refuse_crm(&configuration.ha_cf, &options.config_dir) {
        show_on_stderr(&[refusal]);
        return Ok(None);
    }
    make_folders()?;
    let pid_file = PidFile::claim(Path::new(pidfile::PATH))?;
    let ha_cf = &configuration.ha_cf;
    let log = Log::start(log_config(ha_cf, &local, options)).context("can't start the log")?;
    setup::log_findings(&findings, &log.logger());
    let identity = identify(ha_cf, &log.logger())?;
    let mut cluster = setup::cluster_config(ha_cf, &local, identity, caches(ha_cf));
    if options.resume {
        // The network was up and the nodes were heard: whoever is silent is dead as at any time.
        let timing = &mut cluster.timing;
        timing.initdead = timing.initdead.min(timing.deadtime);
    }
    let guarding = options.guard.iter();
    cluster.keep_up = guarding.flat_map(|g| g.absent.clone()).collect();
    let options = options.clone();
    Ok(Some(Running {
        options,
        configuration,
        cluster,
        files,
        log,
        pid_file,
    }))
}

/// In the background: who started us reads our errors until we are ready, then goes away.
fn leave_stderr() -> std::io::Result<()> {
    let null = std::fs::File::options().write(true).open("/dev/null")?;
    Ok(nix::unistd::dup2_stderr(null)?)
}

fn show_on_stderr(findings: &[Diagnostic]) {
    let styled = std::io::stderr().is_terminal();
    for finding in findings {
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
    log.log(
        Severity::Info,
        format!("heartbeat: version {}", super::VERSION),
    );
    if generation.previous.is_none() {
        let text = format!(
            "No Previous generation - starting at {}",
            generation.current.0
        );
        log.log(Severity::Warning, text);
    }
    log.log(
        Severity::Info,
        format!("Heartbeat generation: {}", generation.current.0),
    );
    Ok(Identity {
        uuid: uuid.uuid,
        generation: generation.current,
    })
}

fn caches(config: &HaCf) -> (Hostcache, Hostcache) {
    use crate::config::ha_cf::AutoJoin;
    if config.autojoin == AutoJoin::None {
        return Default::default();
    }
    let load = |file: &str| {
        let path = Path::new(identity::DIR).join(file);
        Hostcache::load(&path)
            .map(|(cache, _)| cache)
            .unwrap_or_default()
    };
    (load("hostcache"), load("delhostcache"))
}

impl Running {
    /// Runs until the daemon ends.
    pub fn run(self) -> anyhow::Result<End> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let tasks = tokio::task::LocalSet::new();
        let mut pid_file = self.pid_file;
        let log = self.log;
        let parts = Beginning {
            options: self.options,
            configuration: self.configuration,
            cluster: self.cluster,
            files: self.files,
            log: log.logger(),
        };
        if parts.options.realtime && parts.configuration.ha_cf.realtime {
            be_realtime(&parts.configuration.ha_cf, &parts.log);
        }
        let (quiet, resume) = (!parts.options.log_to_stderr, parts.options.resume);
        let end = tasks.block_on(&runtime, async {
            let daemon = parts.daemon()?;
            if !resume {
                look_at_media(daemon.media(), quiet)?;
            }
            pid_file.publish().context(pidfile::PATH)?;
            if quiet {
                leave_stderr().context("/dev/null")?;
            }
            anyhow::Ok(daemon.run().await?)
        })?;
        if end != End::Restart {
            pid_file.remove()?;
        }
        Ok(end)
    }
}

/// Tells whoever starts us of media that can't be opened now; with none at all there is no point
/// in running: the node would take every resource.
///
/// Differs: heartbeat doesn't start if one of them fails; ours are opened as soon as that goes.
/// Errors: no medium to other nodes is open; each with its reason.
fn look_at_media(media: &Media, quiet: bool) -> anyhow::Result<()> {
    let to_nodes = || media.views().filter(|view| !view.medium.is_ping());
    let closed: Vec<String> = media
        .views()
        .filter(|view| !view.open)
        .map(|view| {
            let why = view.trouble.unwrap_or("not open");
            format!("{} {}: {why}", view.medium.directive(), view.link)
        })
        .collect();
    if to_nodes().next().is_some() && !to_nodes().any(|view| view.open) {
        bail!(
            "no medium to the other nodes can be opened, heartbeat is not started:\n  {}\n\
             Correct the media in ha.cf, or bring their interfaces up first.",
            closed.join("\n  ")
        );
    }
    if quiet {
        for line in closed {
            eprintln!("heartbeat: WARN: {line}; it is opened as soon as that goes");
        }
    }
    Ok(())
}

/// What the daemon is made from, inside the runtime.
struct Beginning {
    options: Options,
    configuration: Configuration,
    cluster: ClusterConfig,
    files: Fingerprint,
    log: Logger,
}

impl Beginning {
    fn daemon(self) -> std::io::Result<Daemon> {
        let now = clock::now();
        let log = self.log.clone();
        log.log(
            Severity::Info,
            format!("Configuration validated. Starting {}", super::VERSION),
        );
        let manager = self.manager(now);
        let guard = self.guard();
        let config = self.configuration.ha_cf;
        let local = &self.cluster.local;
        let said = log.clone();
        let stonith = crate::agents::stonith::Device::of(&config, local)
            .map(|device| device.log(move |severity, line| said.log(severity, line)));
        let executor = Executor::new(Paths::default(), Timeouts::default());
        let (workshop, results) = Workshop::new(executor, stonith, log.clone());
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        let (membership, wrong) = Membership::of(&config, local, u64::from_ne_bytes(seed));
        if let Some(wrong) = wrong {
            let text = format!("ha.cf, env quorum: {wrong}; majority:twonodes is used");
            log.log(Severity::Error, text);
        }
        let crm = crm::start(&config, &self.cluster, log.clone())?;
        let node = Node {
            crm,
            cluster: Cluster::new(self.cluster, now, u64::from_ne_bytes(seed)),
            manager,
            on_hold: false,
            guard,
            membership,
            keyring: self.configuration.keyring,
            envelope: Envelope::of(&config),
            refusals: Refusals::default(),
            echoes: RateLimit::new(ECHOES_PER_SECOND, Duration::from_secs(1)),
            media: Media::open(&config.media, log.clone()),
            watchdog: match self.options.guard {
                None => open_watchdog(&config, &log),
                // The machine isn't to be reset because a guard ends.
                Some(_) => None,
            },
            config,
            log,
            talk: Talk::default(),
            speaker: None,
            longest_wait: Duration::ZERO,
            workshop,
            wishes: Vec::new(),
            events: Vec::new(),
            buffer: Vec::new(),
        };
        Daemon::new(Parts {
            sockets: Sockets::open()?,
            node,
            results,
            constant: Constant {
                pid: std::process::id(),
                since_unix: now.unix_s,
            },
            files: self.files,
            in_terminal: self.options.log_to_stderr && std::io::stdin().is_terminal(),
        })
    }

    fn guard(&self) -> Option<Guard> {
        let guarding = self.options.guard.clone()?;
        let groups = v1::Group::list(&self.configuration.haresources);
        Some(Guard::new(GuardConfig {
            absent: guarding.absent,
            keys: groups.iter().map(|g| g.key().to_owned()).collect(),
            claims: guarding.claims,
        }))
    }

    /// The resource manager, unless somebody else has the resources.
    fn manager(&self, now: Now) -> Option<Manager> {
        let Configuration {
            ha_cf, haresources, ..
        } = &self.configuration;
        let others = !self.options.resources || self.options.guard.is_some();
        if ha_cf.crm != CrmMode::Off || others {
            return None;
        }
        let config = manager_config(ha_cf, &self.cluster.local, haresources);
        let saved = reload::take_up(self.options.state_file.as_deref());
        Some(match saved.filter(|_| self.options.resume) {
            Some(saved) => Manager::resume(config, saved, now),
            None => Manager::new(config, now),
        })
    }
}

/// Takes a place before ordinary processes and keeps our memory from being paged out; what
/// isn't permitted is said, and done without.
fn be_realtime(config: &HaCf, log: &Logger) {
    if let Err(why) = realtime::set_round_robin(config.rtprio) {
        log.log(Severity::Warning, format!("no real-time scheduling: {why}"));
    }
    realtime::reserve_heap(config.memreserve as usize * 1024);
    if let Err(why) = realtime::lock_memory() {
        log.log(Severity::Warning, format!("memory is not locked: {why}"));
    }
}

fn open_watchdog(config: &HaCf, log: &Logger) -> Option<Watchdog> {
    let path = config.watchdog.as_ref()?;
    // The CRM's own is fed by what it knows of the cluster, and a device has one reader.
    if super::crm::is_wanted(config)
        && crate::daemons::crm::Watchdog::read().is_some_and(|own| own.path == *path)
    {
        return None;
    }
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
    let pings = config
        .node_table
        .iter()
        .filter(|n| n.ping)
        .map(|n| n.name.clone());
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
