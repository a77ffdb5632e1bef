//! Notes: from which generation a file is, and what of it still means something.

use super::generation::Generation;
use super::model::{Cipher, CorosyncConf, Crypto, Hash};
use super::read::Reader;
use super::tree::Section;

/// Notes about the file as a whole, and about the blocks of openais.
pub(super) fn explain(reader: &mut Reader<'_, '_>, model: &CorosyncConf) {
    generation(reader, model);
    refused_by_three(reader, model);
    compatibility(reader);
    for service in &model.services {
        plugin(reader, &service.name, service.ver, service.span);
    }
    nameless_services(reader);
    without_effect(reader);
}

fn generation(reader: &mut Reader<'_, '_>, model: &CorosyncConf) {
    let told = reader.told.clone();
    let protected = match model.totem.crypto {
        Crypto::Bare => "datagrams are not protected",
        Crypto::Sober { .. } => "datagrams are encrypted and signed with authkey",
        Crypto::Wrapped {
            hash: Hash::None, ..
        } => "datagrams are not protected",
        Crypto::Wrapped {
            cipher: Cipher::None,
            ..
        } => "datagrams are signed with authkey",
        Crypto::Wrapped { .. } => "datagrams are encrypted and signed with authkey",
    };
    let timing = &model.totem.timing;
    let mut message = format!(
        "read as a file of corosync {} ({}): transport {}, {protected}, token {} ms, \
         consensus {} ms",
        told.generation,
        told.because,
        model.totem.transport.as_str(),
        timing.token,
        timing.consensus
    );
    let help = if told.ambiguous {
        message += "; 2.x would read it, too";
        "nodes of 2.x and 3.x don't understand each other; if the others run 2.x, say so by \
         `everbeat {`, `generation: 2`, `}`, which they pass over"
    } else {
        "all nodes of a cluster must run the same generation; another one is named by \
         `everbeat {`, `generation: N`, `}`"
    };
    reader.note(told.span, message, help);
}

/// Why 3.1 would not start with the file.
fn refused_by_three(reader: &mut Reader<'_, '_>, model: &CorosyncConf) {
    if reader.generation() == Generation::Three {
        return;
    }
    let span = reader.totem_span("transport");
    let listed = reader.tree.all("nodelist").any(|l| l.has("node"));
    let secured = super::generation::secured(reader.tree);
    let message = if !listed {
        "corosync 3.x refuses the file: it has no nodelist".into()
    } else if let Some(key) = secured {
        format!(
            "corosync 3.x refuses the file: {} needs knet there",
            key.name
        )
    } else if model.interfaces.len() > 1 {
        "corosync 3.x refuses the file: two rings need knet there".into()
    } else {
        return;
    };
    let help = "it is right for its own generation; everbeat takes it as that";
    let new = reader
        .found
        .add(crate::config::diagnostic::Severity::Note, span, message);
    new.help = Some(help.into());
    new.refused_by_original = true;
}

fn compatibility(reader: &mut Reader<'_, '_>) {
    let Some(key) = reader.tree.key("compatibility") else {
        return;
    };
    let message = match (reader.generation(), key.value.as_str()) {
        (Generation::One, "whitetank") => {
            "compatibility: whitetank makes corosync 1.x speak with openais 0.80; everbeat does \
             not speak with openais, and joins either way"
        }
        _ => "compatibility has no effect",
    };
    reader.note(
        key.span(),
        message,
        "it can stay while nodes of 1.x are in the cluster",
    );
}

fn plugin(reader: &mut Reader<'_, '_>, name: &str, ver: i64, span: crate::config::source::Span) {
    let (message, help) = match (name, ver) {
        ("pacemaker", 0) => (
            "pacemaker as a plugin, ver 0: the resource manager starts with the messaging layer",
            "it still means that: everbeat's own resource manager starts with it",
        ),
        ("pacemaker", _) => (
            "pacemaker as a plugin, ver 1: the resource manager is started by its own script",
            "it still means that; with corosync 2.x and later it is always so",
        ),
        ("openais_ckpt" | "openais_clm" | "openais_evt" | "openais_lck" | "openais_msg", _) => (
            "a service of openais, which no one offers any more",
            "it has no effect and can go",
        ),
        _ => (
            "no plugin of this name is known",
            "it has no effect and can go",
        ),
    };
    reader.note(span, message, help);
}

fn nameless_services(reader: &mut Reader<'_, '_>) {
    let tree: &Section = reader.tree;
    for section in tree.all("service").filter(|s| s.key("name").is_none()) {
        let help = "write name: pacemaker into it, or take the section out";
        reader.note(section.span, "a service without a name has no effect", help);
    }
}

fn without_effect(reader: &mut Reader<'_, '_>) {
    let tree: &Section = reader.tree;
    for section in &tree.sections {
        let message = match section.name.as_str() {
            "amf" => "amf was the availability framework of openais; the section has no effect",
            "aisexec" if section.key("defaultservices").is_none() => {
                "aisexec named the user that openais ran as; corosync does not read it"
            }
            "event" | "clm" | "ckpt" | "lck" | "evt" | "msg" => {
                "the section is of a service of openais; it has no effect"
            }
            _ => continue,
        };
        reader.note(section.span, message, "it can go");
    }
}
