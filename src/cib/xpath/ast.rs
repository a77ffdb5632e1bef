//! The parts of an expression.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Number(f64),
    Text(String),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    Call(String, Vec<Expr>),
    Path(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Union,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) start: Start,
    /// Predicates of a start that is an expression.
    pub(super) filters: Vec<Expr>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Start {
    Root,
    Context,
    Expression(Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) axis: Axis,
    pub(super) test: Test,
    pub(super) predicates: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Parent,
    Preceding,
    PrecedingSibling,
    Current,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Any,
    Name(String),
    Node,
    Text,
    Comment,
    /// Processing instructions: the document keeps none.
    Nothing,
}

impl Axis {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ancestor" => Self::Ancestor,
            "ancestor-or-self" => Self::AncestorOrSelf,
            "attribute" => Self::Attribute,
            "child" => Self::Child,
            "descendant" => Self::Descendant,
            "descendant-or-self" => Self::DescendantOrSelf,
            "following" => Self::Following,
            "following-sibling" => Self::FollowingSibling,
            "parent" => Self::Parent,
            "preceding" => Self::Preceding,
            "preceding-sibling" => Self::PrecedingSibling,
            "self" => Self::Current,
            _ => return None,
        })
    }
}

impl Expr {
    /// Whether a predicate keeps the same nodes whatever their position is.
    pub(super) fn is_positionless(&self) -> bool {
        match self {
            Self::Number(_) | Self::Negative(_) => false,
            Self::Binary(operator, left, right) => {
                !operator.is_arithmetic() && !left.asks_position() && !right.asks_position()
            }
            Self::Call(name, _) => !is_numeric_call(name) && !self.asks_position(),
            Self::Text(_) => true,
            Self::Path(_) => !self.asks_position(),
        }
    }

    fn asks_position(&self) -> bool {
        match self {
            Self::Number(_) | Self::Text(_) => false,
            Self::Binary(_, left, right) => left.asks_position() || right.asks_position(),
            Self::Negative(inner) => inner.asks_position(),
            Self::Call(name, arguments) => {
                matches!(name.as_str(), "position" | "last")
                    || arguments.iter().any(Self::asks_position)
            }
            // Predicates of inner steps have positions of their own.
            Self::Path(path) => match &path.start {
                Start::Expression(inner) => inner.asks_position(),
                Start::Root | Start::Context => false,
            },
        }
    }
}

fn is_numeric_call(name: &str) -> bool {
    matches!(
        name,
        "position"
            | "last"
            | "count"
            | "number"
            | "sum"
            | "floor"
            | "ceiling"
            | "round"
            | "string-length"
    )
}

impl Operator {
    fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Modulo
        )
    }
}
