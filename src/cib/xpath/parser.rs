//! Tokens to an expression: recursive descent over the grammar of XPath 1.0.

use super::XPathError;
use super::ast::{Axis, Expr, Operator, Path, Start, Step, Test};
use super::functions;
use super::lexer::{Token, tokens};
use crate::limits;

pub(super) fn parse(text: &str) -> Result<Expr, XPathError> {
    if text.len() > limits::XPATH_BYTES_MAX {
        return Err(XPathError::Syntax {
            at: limits::XPATH_BYTES_MAX,
            what: "the expression is too long".into(),
        });
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        end: text.len(),
        depth: 0,
    };
    let expr = parser.expression()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.error("the expression should end here")),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
    depth: usize,
}

type Parsed<T> = Result<T, XPathError>;

/// Binary operators, weakest first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("or", Operator::Or)],
    &[("and", Operator::And)],
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[
        ("<", Operator::Less),
        ("<=", Operator::LessEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterEqual),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[
        ("*", Operator::Multiply),
        ("div", Operator::Divide),
        ("mod", Operator::Modulo),
    ],
];

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn peek_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(s)) if *s == sign)
    }

    fn sign_after(&self, ahead: usize, sign: &str) -> bool {
        let token = self.tokens.get(self.at + ahead);
        matches!(token, Some((_, Token::Sign(s))) if *s == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.peek_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn want_sign(&mut self, sign: &str) -> Parsed<()> {
        match self.take_sign(sign) {
            true => Ok(()),
            false => Err(self.error(&format!("{sign:?} is missing"))),
        }
    }

    fn error(&self, what: &str) -> XPathError {
        XPathError::Syntax {
            at: self.tokens.get(self.at).map_or(self.end, |(at, _)| *at),
            what: what.to_owned(),
        }
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > limits::XPATH_DEPTH_MAX {
            return Err(self.error("the expression is nested too deep"));
        }
        let expr = self.binary(0);
        self.depth -= 1;
        expr
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.take_operator(operators) {
            let right = self.binary(level + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn take_operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let (Token::Sign(text) | Token::Word(text)) = self.peek()? else {
            return None;
        };
        let (_, operator) = operators.iter().find(|(sign, _)| sign == text)?;
        self.at += 1;
        Some(*operator)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let mut negative = false;
        let mut signs = 0;
        while self.take_sign("-") {
            negative = !negative;
            signs += 1;
        }
        let inner = self.union()?;
        Ok(match (signs, negative) {
            (0, _) => inner,
            (_, true) => Expr::Negative(Box::new(inner)),
            (_, false) => Expr::Negative(Box::new(Expr::Negative(Box::new(inner)))),
        })
    }

    fn union(&mut self) -> Parsed<Expr> {
        let mut left = self.path()?;
        while self.take_sign("|") {
            let right = self.path()?;
            left = Expr::Binary(Operator::Union, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn path(&mut self) -> Parsed<Expr> {
        if let Some(primary) = self.primary()? {
            return self.after_primary(primary);
        }
        let mut path = Path {
            start: Start::Context,
            filters: Vec::new(),
            steps: Vec::new(),
        };
        if self.take_sign("/") {
            path.start = Start::Root;
            if !self.step_ahead() {
                return Ok(Expr::Path(path));
            }
        } else if self.take_sign("//") {
            path.start = Start::Root;
            path.steps.push(anywhere());
        }
        self.steps(&mut path.steps)?;
        Ok(Expr::Path(path))
    }

    fn after_primary(&mut self, primary: Expr) -> Parsed<Expr> {
        let filters = self.predicates()?;
        let mut steps = Vec::new();
        if self.take_sign("//") {
            steps.push(anywhere());
            self.steps(&mut steps)?;
        } else if self.take_sign("/") {
            self.steps(&mut steps)?;
        }
        if filters.is_empty() && steps.is_empty() {
            return Ok(primary);
        }
        Ok(Expr::Path(Path {
            start: Start::Expression(Box::new(primary)),
            filters,
            steps,
        }))
    }

    fn primary(&mut self) -> Parsed<Option<Expr>> {
        let expr = match self.peek() {
            Some(Token::Number(number)) => Expr::Number(*number),
            Some(Token::Text(text)) => Expr::Text(text.clone()),
            Some(Token::Sign("(")) => {
                self.at += 1;
                let expr = self.expression()?;
                self.want_sign(")")?;
                return Ok(Some(expr));
            }
            Some(Token::Name(name)) if self.sign_after(1, "(") && !is_node_type(name) => {
                let name = name.clone();
                return self.call(name).map(Some);
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(expr))
    }

    fn call(&mut self, name: String) -> Parsed<Expr> {
        let Some(counts) = functions::arguments(&name) else {
            return Err(self.error(&format!("there is no function {name}()")));
        };
        self.at += 2;
        let mut arguments = Vec::new();
        if !self.peek_sign(")") {
            arguments.push(self.expression()?);
            while self.take_sign(",") {
                arguments.push(self.expression()?);
            }
        }
        if !counts.contains(&arguments.len()) {
            return Err(self.error(&format!("{name}() has another number of arguments")));
        }
        self.want_sign(")")?;
        Ok(Expr::Call(name, arguments))
    }

    fn step_ahead(&self) -> bool {
        match self.peek() {
            Some(Token::Name(_)) => true,
            Some(Token::Sign(sign)) => matches!(*sign, "*" | "@" | "." | ".."),
            _ => false,
        }
    }

    fn steps(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        loop {
            steps.push(self.step()?);
            if steps.len() > limits::XPATH_DEPTH_MAX {
                return Err(self.error("the path has too many steps"));
            }
            if self.take_sign("//") {
                steps.push(anywhere());
            } else if !self.take_sign("/") {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Parsed<Step> {
        for (sign, axis) in [("..", Axis::Parent), (".", Axis::Current)] {
            if self.take_sign(sign) {
                return Ok(Step {
                    axis,
                    test: Test::Node,
                    predicates: Vec::new(),
                });
            }
        }
        let axis = self.axis()?;
        let test = self.test()?;
        let predicates = self.predicates()?;
        Ok(Step {
            axis,
            test,
            predicates,
        })
    }

    fn axis(&mut self) -> Parsed<Axis> {
        if self.take_sign("@") {
            return Ok(Axis::Attribute);
        }
        match self.peek() {
            Some(Token::Name(name)) if self.sign_after(1, "::") => {
                let axis = Axis::named(name)
                    .ok_or_else(|| self.error(&format!("there is no axis {name}")))?;
                self.at += 2;
                Ok(axis)
            }
            _ => Ok(Axis::Child),
        }
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.take_sign("*") {
            return Ok(Test::Any);
        }
        let Some(Token::Name(name)) = self.peek().cloned() else {
            return Err(self.error("a name is missing"));
        };
        self.at += 1;
        if !(is_node_type(&name) && self.take_sign("(")) {
            return match self.peek_sign(":") {
                true => Err(self.error("prefixes of namespaces are not known here")),
                false => Ok(Test::Name(name)),
            };
        }
        if name == "processing-instruction" && matches!(self.peek(), Some(Token::Text(_))) {
            self.at += 1;
        }
        self.want_sign(")")?;
        Ok(match name.as_str() {
            "node" => Test::Node,
            "text" => Test::Text,
            "comment" => Test::Comment,
            _ => Test::Nothing,
        })
    }

    fn predicates(&mut self) -> Parsed<Vec<Expr>> {
        let mut predicates = Vec::new();
        while self.take_sign("[") {
            predicates.push(self.expression()?);
            self.want_sign("]")?;
        }
        Ok(predicates)
    }
}

fn is_node_type(name: &str) -> bool {
    matches!(name, "node" | "text" | "comment" | "processing-instruction")
}

/// What `//` stands for.
fn anywhere() -> Step {
    Step {
        axis: Axis::DescendantOrSelf,
        test: Test::Node,
        predicates: Vec::new(),
    }
}
