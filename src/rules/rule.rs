//! `rule`: expressions, all or one of which must be true.

use super::date_expression::evaluate_date;
use super::expression::{self, Lookup, Matched};
use super::interval::interval_ms;
use super::iso8601::{Clock, Time};
use super::references::References;
use crate::cib::Element;

/// What a resource may do, in the order of the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// Not known, or none wanted.
    #[default]
    Unknown,
    /// It does not run.
    Stopped,
    /// It runs.
    Started,
    /// It runs, and could be promoted.
    Unpromoted,
    /// It is promoted.
    Promoted,
}

impl Role {
    /// From a text of a CIB, in the words of any age; unknown for any other.
    /// Source: Pacemaker 2.1.5, `text2role`.
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "stopped" => Self::Stopped,
            "started" => Self::Started,
            "unpromoted" | "slave" => Self::Unpromoted,
            "promoted" | "master" => Self::Promoted,
            _ => Self::Unknown,
        }
    }

    /// As tools print it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Stopped => "Stopped",
            Self::Started => "Started",
            Self::Unpromoted => "Unpromoted",
            Self::Promoted => "Promoted",
        }
    }
}

/// The kind of a resource, for `rsc_expression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent<'a> {
    /// Its class.
    pub class: &'a str,
    /// Its provider, where the class has them.
    pub provider: Option<&'a str>,
    /// Its type.
    pub kind: &'a str,
}

/// An operation, for `op_expression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its interval, milliseconds.
    pub interval_ms: u32,
}

/// What a rule is evaluated for. What is not given can't be true.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The moment.
    pub now: Time,
    /// For dates that leave their zone or their day out.
    pub clock: Clock,
    /// Attributes of the node, those beginning with `#` among them.
    pub node: Option<&'a dyn Lookup>,
    /// The role of the resource.
    pub role: Role,
    /// What the location constraint knows of the resource.
    pub matched: Option<Matched<'a>>,
    /// The kind of the resource.
    pub agent: Option<Agent<'a>>,
    /// The operation.
    pub operation: Option<Operation<'a>>,
}

impl<'a> Context<'a> {
    /// At a moment, for nothing yet.
    pub fn at(now: Time, clock: Clock) -> Self {
        Self {
            now,
            clock,
            node: None,
            role: Role::Unknown,
            matched: None,
            agent: None,
            operation: None,
        }
    }

    /// The same for a node with these attributes.
    pub fn on_node(self, attributes: &'a dyn Lookup) -> Self {
        Self {
            node: Some(attributes),
            ..self
        }
    }
}

/// The earliest moment at which what was evaluated may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NextChange(Option<Time>);

impl NextChange {
    /// Not later than `time`.
    pub fn at(&mut self, time: Time) {
        if self.0.is_none_or(|earliest| time < earliest) {
            self.0 = Some(time);
        }
    }

    /// Not later than the second after `time`.
    pub fn after(&mut self, time: Time) {
        let mut time = time;
        time.add_seconds(1);
        self.at(time);
    }

    /// The moment, if any was found.
    pub fn time(self) -> Option<Time> {
        self.0
    }
}

/// Whether any of the rules directly in an element holds; true if it has none.
/// Source: Pacemaker 2.1.5, `pe_eval_rules`.
pub fn any_holds<'a>(
    element: Element<'a>,
    context: &Context,
    references: &References<'a>,
    next: &mut NextChange,
) -> bool {
    let mut rules = element.children_named("rule").peekable();
    rules.peek().is_none() || rules.any(|rule| holds(rule, context, references, next))
}

/// Whether a rule holds. Expressions after the one that decides it aren't looked at, also not
/// for `next`.
/// Source: Pacemaker 2.1.5, `pe_eval_expr`.
pub fn holds<'a>(
    rule: Element<'a>,
    context: &Context,
    references: &References<'a>,
    next: &mut NextChange,
) -> bool {
    nested(
        rule,
        0,
        &mut Evaluation {
            context,
            references,
            next,
        },
    )
}

struct Evaluation<'a, 'b> {
    context: &'b Context<'b>,
    references: &'b References<'a>,
    next: &'b mut NextChange,
}

/// Rules that refer to each other in a circle end here; the reader bounds all others.
const DEPTH_MAX: usize = crate::limits::CIB_DEPTH_MAX;

fn nested<'a>(rule: Element<'a>, depth: usize, evaluation: &mut Evaluation<'a, '_>) -> bool {
    if depth > DEPTH_MAX {
        return false;
    }
    let Some(rule) = evaluation.references.expand(rule) else {
        return true;
    };
    let any = rule
        .attr("boolean-op")
        .is_some_and(|op| op.eq_ignore_ascii_case("or"));
    let mut test = |expr| expression_holds(expr, depth, evaluation);
    let mut children = rule.children();
    if any {
        children.any(&mut test)
    } else {
        children.all(&mut test)
    }
}

fn expression_holds<'a>(
    expr: Element<'a>,
    depth: usize,
    evaluation: &mut Evaluation<'a, '_>,
) -> bool {
    let context = evaluation.context;
    match expr.name() {
        "rule" => nested(expr, depth + 1, evaluation),
        "date_expression" => {
            evaluate_date(expr, context.now, context.clock, evaluation.next).holds()
        }
        "expression" if expr.attr("attribute") == Some("#role") => role_holds(expr, context.role),
        "expression" => context
            .node
            .is_some_and(|node| expression::evaluate(expr, node, context.matched)),
        "rsc_expression" => context.agent.is_some_and(|agent| agent_holds(expr, agent)),
        "op_expression" => context
            .operation
            .is_some_and(|operation| operation_holds(expr, operation)),
        _ => false,
    }
}

/// Source: Pacemaker 2.1.5, `pe__eval_role_expr`.
fn role_holds(expr: Element, role: Role) -> bool {
    let wanted = expr.attr("value").map(Role::parse).unwrap_or_default();
    let operation = expr.attr("operation").unwrap_or("").to_ascii_lowercase();
    let promotable = role >= Role::Unpromoted;
    match operation.as_str() {
        _ if role == Role::Unknown => false,
        "defined" => promotable,
        "not_defined" => !promotable,
        "eq" => wanted == role,
        "ne" => promotable && wanted != role,
        _ => false,
    }
}

/// Source: Pacemaker 2.1.5, `pe__eval_rsc_expr`.
fn agent_holds(expr: Element, agent: Agent) -> bool {
    expr.attr("class").is_none_or(|class| class == agent.class)
        && expr.attr("provider") == agent.provider
        && expr.attr("type").is_none_or(|kind| kind == agent.kind)
}

/// Source: Pacemaker 2.1.5, `pe__eval_op_expr`.
fn operation_holds(expr: Element, operation: Operation) -> bool {
    let interval_fits = expr
        .attr("interval")
        .is_none_or(|text| interval_ms(text) == Ok(operation.interval_ms));
    interval_fits && expr.attr("name") == Some(operation.name)
}
