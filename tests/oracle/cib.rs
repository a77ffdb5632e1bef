//! cibadmin, crm_diff and crm_shadow, the original's and ours, over published CIBs.
//!
//! Both tools get the same command line and a copy of the same file; output, errors, exit code
//! and the file afterwards are compared. What may differ stands in [`ALLOWED`], with its reason.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use everbeat::cib::{self, Document, NodeRef};

const LINES: &str = include_str!("cib_lines.txt");

const ACL_LINES: &str = include_str!("acl_lines.txt");

/// Users of acl.xml, one that is not in it, and the administrators.
const USERS: [&str; 7] = [
    "nobody",
    "daemon",
    "mail",
    "games",
    "bin",
    "sys",
    "hacluster",
];

/// The tools that are compared here and in the files beside.
const TOOLS: [&str; 19] = [
    "stonith_admin",
    "crm_simulate",
    "crmadmin",
    "attrd_updater",
    "crm_mon",
    "crm_failcount",
    "cibadmin",
    "crm_attribute",
    "crm_master",
    "crm_standby",
    "crm_diff",
    "crm_shadow",
    "crm_error",
    "crm_node",
    "crm_ticket",
    "crm_verify",
    "crm_resource",
    "crm_rule",
    "iso8601",
];

/// The folder of the original's tools.
pub(super) const ORIGINAL: &str = "/usr/sbin";

/// Why a difference is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    /// In a patch of format 1 the original repeats attributes that are gone in the new document,
    /// so that whoever applies it gets another document than its digest tells.
    GoneAttributes,
    /// The original's crm_shadow says that it committed to a `CIB_file` and writes nothing.
    ShadowCommit,
    /// With `--modify --allow-create`, or for a section that it makes first, the original adds
    /// to the configuration without counting its epoch up: nobody would write that to disk.
    Uncounted,
}

/// Parts of command lines, and what may differ with them.
const ALLOWED: &[(&str, Allowed)] = &[
    ("crm_shadow -b -C one --force", Allowed::ShadowCommit),
    ("cibadmin -M -c -o resources", Allowed::Uncounted),
    ("crm_diff", Allowed::GoneAttributes),
];

pub(super) struct Ran {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: Option<i32>,
    pub(super) file: String,
}

pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) tools: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tools = folder.path().join("bin");
        fs::create_dir(&tools).unwrap();
        let program = std::env::var_os("EVERBEAT_ORACLE_PROGRAM")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_everbeat").into());
        for tool in TOOLS {
            symlink(&program, tools.join(tool)).unwrap();
        }
        Self { folder, tools }
    }

    /// A file of its own.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn patch(&self, file: &Path, other: &Path) -> PathBuf {
        let out = Command::new(format!("{ORIGINAL}/crm_diff"))
            .args(["-u", "-o"])
            .arg(file)
            .arg("-n")
            .arg(other)
            .output()
            .expect("crm_diff runs");
        let path = self.folder.path().join("patch.xml");
        fs::write(&path, out.stdout).unwrap();
        path
    }

    pub(super) fn run(&self, tools: &Path, line: &str, file: &Path, other: &Path) -> Ran {
        let copy = self.folder.path().join("cib.xml");
        let scratch = self.folder.path().join("scratch");
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir(&scratch).unwrap();
        fs::write(&copy, fs::read(file).unwrap()).unwrap();
        let text = |path: &Path| path.display().to_string();
        let word = |word: &str| match word {
            "FILE" => text(file),
            "OTHER" => text(other),
            "PATCH" => text(&self.folder.path().join("patch.xml")),
            other => other.replace("SCRATCH", &text(&scratch)),
        };
        let line: Vec<String> = line.split(' ').map(word).collect();
        let line = line.join(" ");
        let out = Command::new("sh")
            .args(["-c", &line])
            .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
            .env("LC_ALL", "C")
            .env("CIB_file", &copy)
            .env_remove("CIB_shadow")
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        Ran {
            file: fs::read_to_string(&copy).unwrap_or_default(),
            ..ran(out)
        }
    }
}

fn ran(out: Output) -> Ran {
    Ran {
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        code: out.status.code(),
        file: String::new(),
    }
}

pub(super) fn files(step: usize) -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut files = Vec::new();
    for (folder, step) in [("corpus/cib", 1), ("conformance/scheduler/cases/xml", step)] {
        let Ok(entries) = fs::read_dir(shared.join(folder)) else {
            continue;
        };
        let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        found.retain(|path| path.extension().is_some_and(|e| e == "xml"));
        found.sort();
        files.extend(found.into_iter().step_by(step));
    }
    files
}

/// Which lines are tried on which files: each line on some, each file with some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// One in so many of the scheduler's CIBs.
    pub(super) files: usize,
    /// One in so many lines on each, others on the next.
    pub(super) lines: usize,
}

impl Share {
    pub(super) fn has(self, file: usize, line: usize) -> bool {
        (file + line).is_multiple_of(self.lines)
    }
}

fn compare(share: Share) {
    let files = files(share.files);
    if files.is_empty() || !Path::new(ORIGINAL).join("cibadmin").exists() {
        println!("SKIPPED: no published CIBs, or pacemaker's tools are not installed");
        return;
    }
    let place = Place::new();
    // What is not valid by its schema is for the tests of the schema.
    let taken = |file: &PathBuf| {
        let ran = place.run(Path::new(ORIGINAL), "cibadmin -Q", file, file);
        ran.code == Some(0)
    };
    let all = files.len();
    let files: Vec<_> = files.into_iter().filter(taken).collect();
    println!("{} of {all} files are valid by their schema", files.len());
    let (mut same, mut allowed, mut differences) = (0, 0, Vec::new());
    for (index, file) in files.iter().enumerate() {
        let other = &files[(index + 1) % files.len()];
        place.patch(file, other);
        let lines = LINES.lines().filter(|line| !line.starts_with('#'));
        for (_, line) in lines.enumerate().filter(|(at, _)| share.has(index, *at)) {
            let theirs = place.run(Path::new(ORIGINAL), line, file, other);
            let ours = place.run(&place.tools, line, file, other);
            match difference(&theirs, &ours) {
                None => same += 1,
                Some(_) if may_differ(line, file, other, &theirs, &ours) => allowed += 1,
                Some(what) => differences.push(format!("{line}\n  {}\n{what}", file.display())),
            }
        }
    }
    println!(
        "{same} the same, {allowed} allowed, {} different",
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(same > 500, "only {same} were compared");
}

pub(super) fn difference(theirs: &Ran, ours: &Ran) -> Option<String> {
    let mut what = String::new();
    if theirs.code != ours.code {
        what += &format!("  exit code {:?} {:?}\n", theirs.code, ours.code);
    }
    for (name, a, b) in [
        ("stdout", &theirs.stdout, &ours.stdout),
        ("stderr", &theirs.stderr, &ours.stderr),
        ("file", &theirs.file, &ours.file),
    ] {
        if a == b {
            continue;
        }
        let mut lines = a.lines().zip(b.lines());
        let first = lines.find(|(a, b)| a != b);
        let (a, b) = first.unwrap_or((
            a.lines().last().unwrap_or(""),
            b.lines().last().unwrap_or(""),
        ));
        what += &format!("  {name}\n    theirs: {a}\n    ours:   {b}\n");
    }
    (!what.is_empty()).then_some(what)
}

fn may_differ(line: &str, file: &Path, other: &Path, theirs: &Ran, ours: &Ran) -> bool {
    let same_but_errors =
        theirs.code == ours.code && theirs.stdout == ours.stdout && theirs.file == ours.file;
    if same_but_errors && says_more(&theirs.stderr, &ours.stderr) {
        return true;
    }
    if [file, other].iter().any(|file| load(file).is_none()) {
        return ours.code != Some(0) || ours.stderr.contains(": line ");
    }
    ALLOWED.iter().any(|(part, why)| {
        line.contains(part)
            && match why {
                Allowed::GoneAttributes => {
                    // Nor does it remove them when it applies one, which then fails.
                    let only_ours_fits =
                        theirs.stderr.contains("apply patch") && ours.code == Some(0);
                    only_ours_fits || same_format_1(file, other, theirs, ours)
                }
                Allowed::ShadowCommit => theirs.stdout == ours.stdout,
                Allowed::Uncounted => theirs.code == ours.code,
            }
    })
}

/// Whether our errors have theirs in them, or both are a help after the same first line. What
/// can't be read is said with its place and the reason; a help is a text of its own.
fn says_more(theirs: &str, ours: &str) -> bool {
    let usage = theirs.contains("Usage:") && ours.contains("Usage:");
    let head = |text: &str| text.lines().next().unwrap_or("").to_owned();
    let is_help = |line: &str| line.starts_with("cibadmin - ") || line.starts_with("crm_shadow - ");
    (usage && (head(theirs) == head(ours) || is_help(&head(theirs))))
        || ours.starts_with(theirs)
        || theirs
            .lines()
            .all(|line| ours.lines().any(|ours| ours == line))
}

pub(super) fn load(path: &Path) -> Option<Document> {
    cib::read_file_text(fs::read(path).ok()?).ok()
}

/// The same but for the digest, once what their patch repeats is in ours.
fn same_format_1(file: &Path, other: &Path, theirs: &Ran, ours: &Ran) -> bool {
    let (Some(old), Some(mut new)) = (load(file), load(other)) else {
        return false;
    };
    if !ours.stdout.contains("format=\"1\"") {
        return false;
    }
    let (from, to) = (old.root(), new.root());
    restore(&old, from, &mut new, to);
    let no_version = !ours.stdout.contains("<diff-removed admin_epoch");
    let options = cib::patch::Options {
        as_cib: false,
        no_version,
    };
    let Some(patch) = cib::patch::create(&old, &new, options) else {
        return false;
    };
    let with_gone = cib::writer::pretty(&patch, patch.root());
    let side = |text: &str, mark: &str| -> String {
        let start = text.find(mark).unwrap_or(text.len());
        text[start..].to_owned()
    };
    let removed = |text: &str| -> String {
        let all = side(text, "  <diff-removed");
        let end = all.find("  <diff-added").unwrap_or(all.len());
        all[..end].to_owned()
    };
    removed(&theirs.stdout) == removed(&ours.stdout)
        && side(&theirs.stdout, "  <diff-added") == side(&with_gone, "  <diff-added")
}

fn restore(old: &Document, from: NodeRef, new: &mut Document, to: NodeRef) {
    for (name, value) in old.attrs(from) {
        if new.attr(to, name).is_none() {
            new.set_attr(to, name, value);
        }
    }
    for child in old.children(from) {
        let same = new
            .children_named(to, old.name(child))
            .find(|&other| old.id(child).is_none() || new.id(other) == old.id(child));
        if let Some(same) = same {
            restore(old, child, new, same);
        }
    }
}

#[test]
fn the_tools_do_as_the_originals() {
    compare(Share {
        files: 100,
        lines: 3,
    });
}

#[test]
#[ignore = "full matrix: every tenth of the scheduler's CIBs"]
fn the_tools_do_as_the_originals_on_many_files() {
    compare(Share {
        files: 10,
        lines: 1,
    });
}

#[test]
fn access_control_is_as_the_originals() {
    if !Path::new(ORIGINAL).join("cibadmin").exists() {
        println!("SKIPPED: pacemaker's tools are not installed");
        return;
    }
    let place = Place::new();
    let file = place.folder.path().join("acl.xml");
    fs::write(&file, include_str!("acl.xml")).unwrap();
    let (mut same, mut differences) = (0, Vec::new());
    for user in USERS {
        for line in ACL_LINES.lines().filter(|line| !line.starts_with('#')) {
            let line = line.replace("USER", user);
            let theirs = place.run(Path::new(ORIGINAL), &line, &file, &file);
            let ours = place.run(&place.tools, &line, &file, &file);
            match difference(&theirs, &ours) {
                None => same += 1,
                Some(what) => differences.push(format!("{line}\n{what}")),
            }
        }
    }
    println!("{same} the same, {} different", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Every published CIB and every one of the scheduler's cases against the one seven further:
/// the patch is crm_diff's, and one of format 2 leads to the other document.
#[test]
fn patches_are_those_of_crm_diff() {
    let files = files(1);
    let crm_diff = Path::new(ORIGINAL).join("crm_diff");
    if files.is_empty() || !crm_diff.exists() {
        println!("SKIPPED: no published CIBs, or pacemaker's tools are not installed");
        return;
    }
    let (mut same, mut applied, mut differences) = (0, 0, Vec::new());
    for (index, file) in files.iter().enumerate() {
        let other = &files[(index + 7) % files.len()];
        let (Some(old), Some(new)) = (load(file), load(other)) else {
            continue;
        };
        let options = cib::patch::Options {
            as_cib: false,
            no_version: true,
        };
        let Some(patch) = cib::patch::create(&old, &new, options) else {
            continue;
        };
        let mut command = Command::new(&crm_diff);
        command.arg("-u").arg("-o").arg(file).arg("-n").arg(other);
        let theirs = ran(command.output().expect("crm_diff runs"));
        let ours = Ran {
            stdout: cib::writer::pretty(&patch, patch.root()),
            stderr: String::new(),
            code: Some(1),
            file: String::new(),
        };
        if theirs.stdout == ours.stdout || same_format_1(file, other, &theirs, &ours) {
            same += 1;
        } else {
            differences.push(format!("{} {}", file.display(), other.display()));
        }
        if patch.attr(patch.root(), "format") == Some("2") {
            let mut result = old.clone();
            cib::patch::apply(&mut result, &patch).expect("it fits");
            // Some moves of both need a second patch, in the original too.
            applied += usize::from(cib::patch::create(&result, &new, options).is_none());
        }
    }
    println!("{same} patches the same, {applied} of format 2 applied");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(same > 500 && applied > 100);
}
