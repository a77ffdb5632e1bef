//! Tries changes, one scheduler run for each, until one puts the resource where it is wanted.

use super::cause::Cause;
use super::change::{self, Change};
use super::decision::{Decision, with_cluster};
use super::facts::{Case, facts};
use super::{AtNode, Explanation, Finding, Question, Refusal, Related, Remedy, Step, sentence};
use crate::cib::Document;
use crate::scheduler::score::INFINITY;

/// Nodes beyond these aren't tried, if no single one is asked for.
const NODES_TRIED_MAX: usize = 8;

/// A search for an answer.
pub struct Search<'a> {
    doc: &'a Document,
    question: &'a Question<'a>,
    /// The resource, by the id that the scheduler has for it.
    resource: String,
    before: Decision,
    runs: usize,
}

impl<'a> Search<'a> {
    pub fn new(doc: &'a Document, question: &'a Question<'a>) -> Self {
        Self {
            doc,
            question,
            resource: question.resource.to_owned(),
            before: Decision::default(),
            runs: 0,
        }
    }

    pub fn answer(mut self) -> Result<Explanation, Refusal> {
        self.runs += 1;
        let (doc, question) = (self.doc, self.question);
        let facts = with_cluster(doc, question.now, |cluster| facts(doc, cluster, question))?;
        self.before = facts.decision.clone();
        self.resource = facts.resource.clone();
        let stopped = facts.place.next.is_empty();
        let mut smallest = None;
        let general = self.decided(&facts.general, |changed, _| !changed.is_empty());
        if stopped {
            let changes = self.proposals(&facts.general, None);
            smallest = self.search(&changes, |next| !next.is_empty());
        }
        let here = facts.here.iter().map(|(node, score, case)| {
            let mut at = self.told(node, *score, case);
            at.findings = self.decided(case, |next, _| !next.contains(node));
            at
        });
        let here = here.collect();
        let mut elsewhere = Vec::new();
        for (node, score, case) in &facts.elsewhere {
            let mut at = self.told(node, *score, case);
            if elsewhere.len() < NODES_TRIED_MAX {
                let mut all = facts.general.clone();
                all.causes.extend(case.causes.iter().cloned());
                all.related.extend(case.related.iter().cloned());
                let changes = self.proposals(&all, Some(node));
                at.remedy = self.search(&changes, |next| next.contains(node));
            }
            elsewhere.push(at);
        }
        let best = elsewhere.iter().filter_map(|at| at.remedy.clone());
        smallest = best.chain(smallest).min_by_key(weight);
        Ok(Explanation {
            resource: facts.resource,
            members: facts.members,
            place: facts.place,
            related: self.related(&facts.general, None),
            general,
            here,
            elsewhere,
            smallest,
            runs: self.runs,
        })
    }

    fn told(&self, node: &str, score: Option<i32>, case: &Case) -> AtNode {
        let tell = |cause: &Cause| self.finding(&case.resource, Some(node), cause, false);
        AtNode {
            node: node.to_owned(),
            score,
            findings: case.causes.iter().map(tell).collect(),
            related: self.related(case, Some(node)),
            remedy: None,
        }
    }

    fn related(&self, case: &Case, node: Option<&str>) -> Vec<Related> {
        let tell = |(resource, causes): &(String, Vec<Cause>)| Related {
            resource: resource.clone(),
            findings: causes
                .iter()
                .map(|cause| self.finding(resource, node, cause, false))
                .collect(),
        };
        case.related.iter().map(tell).collect()
    }

    fn finding(&self, resource: &str, node: Option<&str>, cause: &Cause, tried: bool) -> Finding {
        Finding {
            cause: cause.clone(),
            decisive: tried,
            text: sentence::cause(cause, resource, node),
        }
    }

    /// Findings, each with whether the resource would be elsewhere without it.
    fn decided(
        &mut self,
        case: &Case,
        differs: impl Fn(&[String], &Decision) -> bool,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for cause in &case.causes {
            let mut decisive = false;
            for change in self.without(cause, &case.resource) {
                if let Some(decision) = self.run(&[&change]) {
                    let next = decision.next(&self.resource);
                    decisive |= differs(next, &decision);
                }
            }
            findings.push(self.finding(&case.resource, None, cause, decisive));
        }
        findings
    }

    fn run(&mut self, changes: &[&Change]) -> Option<Decision> {
        if self.runs >= self.question.runs {
            return None;
        }
        let mut doc = self.doc.clone();
        let time = super::decision::time_of(&doc, self.question.now);
        let mut made = true;
        for change in changes {
            made &= change.make(&mut doc, time.unix_s);
        }
        if !made {
            return None;
        }
        self.runs += 1;
        Some(super::decision::decide(&doc, self.question.now))
    }

    /// The smallest of the changes that reaches the goal; else as few of them as are needed.
    fn search(&mut self, changes: &[Change], goal: impl Fn(&[String]) -> bool) -> Option<Remedy> {
        let resource = &self.resource.clone();
        for change in changes {
            if let Some(after) = self.run(&[change])
                && goal(after.next(resource))
            {
                let (changes, after) = self.least(vec![change.clone()], after, &goal);
                return Some(self.remedy(&changes, &after));
            }
        }
        let mut kept: Vec<&Change> = Vec::new();
        for change in changes {
            if !kept.iter().any(|k| excludes(k, change)) {
                kept.push(change);
            }
        }
        let mut after = self.run(&kept).filter(|after| goal(after.next(resource)))?;
        let mut at = kept.len();
        while at > 0 && kept.len() > 1 {
            at -= 1;
            let mut fewer = kept.clone();
            fewer.remove(at);
            if let Some(without) = self.run(&fewer)
                && goal(without.next(resource))
            {
                (kept, after) = (fewer, without);
            }
        }
        let kept = kept.into_iter().cloned().collect();
        let (kept, after) = self.least(kept, after, &goal);
        Some(self.remedy(&kept, &after))
    }

    /// The least score with which a preference among changes still does it.
    fn least(
        &mut self,
        mut changes: Vec<Change>,
        mut after: Decision,
        goal: &impl Fn(&[String]) -> bool,
    ) -> (Vec<Change>, Decision) {
        let score_of = |change: &Change| match change {
            Change::Prefer { score, .. } => Some(*score),
            _ => None,
        };
        let found = changes.iter().enumerate();
        let mut found = found.filter_map(|(i, c)| Some((i, score_of(c)?)));
        let Some((place, score)) = found.next() else {
            return (changes, after);
        };
        let (mut low, mut high) = (0, score);
        while high - low > 1 {
            // Most often what was computed is the least, or any score does it.
            let middle = match (high == score, low) {
                (true, 0) if score < INFINITY => high - 1,
                (true, 0) => 1,
                _ => low + (high - low) / 2,
            };
            let mut trial = changes.clone();
            if let Some(Change::Prefer { score, .. }) = trial.get_mut(place) {
                *score = middle;
            }
            let refs: Vec<&Change> = trial.iter().collect();
            match self.run(&refs) {
                Some(then) if goal(then.next(&self.resource)) => {
                    (high, after, changes) = (middle, then, trial);
                }
                Some(_) => low = middle,
                None => break,
            }
        }
        (changes, after)
    }

    fn remedy(&self, changes: &[Change], after: &Decision) -> Remedy {
        let own = self.resource.as_str();
        let steps = changes.iter().map(|change| Step {
            change: change.clone(),
            text: sentence::change(change),
            command: sentence::command(change),
        });
        let others = self.before.places.iter().filter(|(id, place)| {
            let after = after.places.get(*id).map_or(&[][..], |p| &p.next);
            *id != own && after != place.next && !within(self.doc, own, id)
        });
        Remedy {
            steps: steps.collect(),
            then: after.next(own).to_vec(),
            others: others.map(|(id, _)| id.clone()).collect(),
        }
    }

    /// Changes that could help, the smallest first.
    fn proposals(&self, case: &Case, node: Option<&str>) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        let own = (&case.resource, &case.causes);
        let others = case.related.iter().map(|(r, c)| (r, c));
        for (resource, causes) in std::iter::once(own).chain(others) {
            for cause in causes {
                changes.extend(self.against(cause, resource, node));
            }
        }
        if let Some(node) = node {
            let gap = case.causes.iter().find_map(|cause| match cause {
                Cause::LowerScore { here, best, .. } if *best < INFINITY => Some(best - here + 1),
                Cause::Tie { .. } => Some(1),
                _ => None,
            });
            let resource = top(self.doc, &self.resource);
            let prefer = |score| Change::Prefer {
                resource: resource.clone(),
                node: node.to_owned(),
                score,
            };
            changes.extend(gap.map(prefer));
            changes.push(prefer(INFINITY));
            for (other, _) in &case.related {
                changes.push(Change::Prefer {
                    resource: top(self.doc, other),
                    node: node.to_owned(),
                    score: INFINITY,
                });
            }
        }
        changes.sort_by_key(Change::weight);
        let mut seen: Vec<Change> = Vec::new();
        changes.retain(|change| {
            let new = !seen.contains(change);
            seen.extend(new.then(|| change.clone()));
            new
        });
        changes
    }

    /// What would take a cause away that keeps a resource from a node.
    fn against(&self, cause: &Cause, resource: &str, node: Option<&str>) -> Vec<Change> {
        let at =
            |make: fn(String) -> Change| node.map(|n| make(n.to_owned())).into_iter().collect();
        match cause {
            Cause::Offline | Cause::Pending | Cause::ShuttingDown | Cause::Unclean => {
                at(|node| Change::StartNode { node })
            }
            Cause::Standby { .. } => at(|node| Change::EndStandby { node }),
            Cause::NodeMaintenance => at(|node| Change::EndMaintenance { node }),
            Cause::Capacity {
                attribute,
                needs,
                free,
            } => node.map_or_else(Vec::new, |node| {
                let has = capacity(self.doc, node, attribute);
                vec![Change::SetCapacity {
                    node: node.to_owned(),
                    attribute: attribute.clone(),
                    value: has + needs - free,
                }]
            }),
            Cause::Failures { banned: true, .. } => vec![Change::CleanUp {
                resource: base(resource),
                node: node.map(str::to_owned),
            }],
            Cause::Location { score, .. } | Cause::Companions { score, .. } if *score >= 0 => {
                Vec::new()
            }
            Cause::Colocation { effect, .. } if *effect >= 0 => Vec::new(),
            _ => self.without(cause, resource),
        }
    }

    /// What would take a cause away, wherever it counts.
    fn without(&self, cause: &Cause, resource: &str) -> Vec<Change> {
        let option = |name: &str, value: &str| Change::SetOption {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let meta = |resource: &str, name: &str, value: &str| Change::SetMeta {
            resource: base(resource),
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let one = match cause {
            Cause::TargetRole { owner } => meta(owner, "target-role", "Started"),
            Cause::StopAll => option("stop-all-resources", "false"),
            Cause::Maintenance => option("maintenance-mode", "false"),
            Cause::Unmanaged { owner } => {
                meta(owner.as_deref().unwrap_or(resource), "is-managed", "true")
            }
            Cause::Blocked { resource } => Change::CleanUp {
                resource: base(resource),
                node: None,
            },
            Cause::NoQuorum { .. } => Change::GainQuorum,
            Cause::NoFenceDevice => Change::AddFenceDevice,
            Cause::Ticket { ticket, .. } => Change::GrantTicket {
                ticket: ticket.clone(),
            },
            Cause::ShutdownLock { .. } => option("shutdown-lock", "false"),
            Cause::Stickiness { .. } => meta(resource, "resource-stickiness", "0"),
            Cause::Location { constraint, .. } | Cause::Colocation { constraint, .. } => {
                return self.removal(constraint).into_iter().collect();
            }
            Cause::Waits { constraints, .. } => {
                return constraints.iter().filter_map(|c| self.removal(c)).collect();
            }
            _ => return Vec::new(),
        };
        vec![one]
    }

    fn removal(&self, constraint: &str) -> Option<Change> {
        let found = change::constraint(self.doc, constraint)?;
        Some(Change::RemoveConstraint {
            constraint: self.doc.id(found)?.to_owned(),
            element: self.doc.name(found).to_owned(),
        })
    }
}

/// Of two changes with the same aim only the later one is made.
fn excludes(a: &Change, b: &Change) -> bool {
    match (a, b) {
        (
            Change::Prefer { resource, .. },
            Change::Prefer {
                resource: other, ..
            },
        ) => resource == other,
        _ => false,
    }
}

fn weight(remedy: &Remedy) -> u32 {
    let weights = remedy.steps.iter().map(|step| step.change.weight());
    weights.sum::<u32>() + 10 * u32::try_from(remedy.steps.len()).unwrap_or(u32::MAX / 10)
}

/// The name of a resource without the number of an instance.
fn base(resource: &str) -> String {
    resource.split(':').next().unwrap_or(resource).to_owned()
}

/// The outermost resource around one, as constraints name it.
fn top(doc: &Document, resource: &str) -> String {
    let base = base(resource);
    let Some(element) = doc.by_id(&base) else {
        return base;
    };
    let around = doc.ancestors(element).filter(|&e| {
        matches!(doc.name(e), "group" | "clone" | "master" | "bundle") && doc.id(e).is_some()
    });
    around
        .last()
        .and_then(|e| doc.id(e))
        .map_or(base, str::to_owned)
}

/// Whether one resource is in another, or around it, or in a collective with it.
fn within(doc: &Document, one: &str, other: &str) -> bool {
    top(doc, one) == top(doc, other)
}

fn capacity(doc: &Document, node: &str, attribute: &str) -> i64 {
    let nodes = doc.root_element().find(&["configuration", "nodes"]);
    let mut pairs = nodes.into_iter().flat_map(|nodes| {
        let named = nodes.children_named("node");
        named
            .filter(move |n| n.attr("uname") == Some(node))
            .flat_map(|n| n.children_named("utilization"))
            .flat_map(|set| set.children_named("nvpair"))
    });
    let pair = pairs.find(|pair| pair.attr("name") == Some(attribute));
    let value = pair.and_then(|pair| pair.attr("value"));
    value.and_then(crate::score::leading_integer).unwrap_or(0)
}
