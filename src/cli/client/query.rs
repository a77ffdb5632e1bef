//! The questions of the API, typed.

use std::time::{Duration, Instant};

use super::session::{Error, Session};

/// A node of the daemon's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `normal`, `ping`, `unknown`.
    pub kind: String,
    /// `init`, `up`, `active`, `dead`, `ping`.
    pub status: String,
}

/// A link to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name: interface, tty, or the ping node's.
    pub name: String,
    /// `up` or `dead`.
    pub status: String,
}

impl Session {
    /// All nodes in the daemon's order.
    pub fn nodes(&mut self) -> Result<Vec<Node>, Error> {
        let answers = self.ask_list("nodelist", &[])?;
        let nodes = answers.iter().filter_map(|m| {
            Some(Node {
                name: m.text("node")?.to_owned(),
                kind: m.text("nodetype").unwrap_or("unknown").to_owned(),
                status: m.text("st").unwrap_or_default().to_owned(),
            })
        });
        Ok(nodes.collect())
    }

    /// The links to a node in the daemon's order.
    pub fn links(&mut self, node: &str) -> Result<Vec<Link>, Error> {
        let answers = self.ask_list("iflist", &[("node", node)])?;
        let links = answers.iter().filter_map(|m| {
            Some(Link {
                name: m.text("ifname")?.to_owned(),
                status: m.text("st").unwrap_or_default().to_owned(),
            })
        });
        Ok(links.collect())
    }

    /// Status of a node.
    pub fn node_status(&mut self, node: &str) -> Result<String, Error> {
        self.one("nodestatus", &[("node", node)], "st")
    }

    /// Kind of a node.
    pub fn node_type(&mut self, node: &str) -> Result<String, Error> {
        self.one("nodetype", &[("node", node)], "nodetype")
    }

    /// Weight of a node, decimal.
    pub fn node_weight(&mut self, node: &str) -> Result<String, Error> {
        self.one("nodeweight", &[("node", node)], "weight")
    }

    /// Site of a node, mostly empty.
    pub fn node_site(&mut self, node: &str) -> Result<String, Error> {
        self.one("nodesite", &[("node", node)], "site")
    }

    /// Status of a link.
    pub fn link_status(&mut self, node: &str, link: &str) -> Result<String, Error> {
        self.one("ifstatus", &[("node", node), ("ifname", link)], "st")
    }

    /// Which groups this node holds, in one word.
    pub fn resources(&mut self) -> Result<String, Error> {
        self.one("getrsc", &[], "rsc_hold")
    }

    /// A directive of ha.cf; `None` if it is unknown or not set.
    ///
    /// The version is that of the sign-on, which has the hash of the source too.
    /// Source: heartbeat 3.0.6 libhbclient, which doesn't ask for it either (strace).
    pub fn parameter(&mut self, name: &str) -> Result<Option<String>, Error> {
        if name == "hbversion" {
            return Ok(self.welcome().text(name).map(str::to_owned));
        }
        let answer = self.ask("getparm", &[("pname", name)])?;
        Ok(answer.text("pvalue").map(str::to_owned))
    }

    /// Whether a client is signed on at a node: `online`, `offline`, `join`, `leave`.
    ///
    /// For another node the question goes over the network and its answer comes as a message.
    ///
    /// Errors: [`Error::Late`] when there is none within `wait`.
    pub fn client_status(
        &mut self,
        node: &str,
        client: &str,
        wait: Duration,
    ) -> Result<String, Error> {
        let until = Instant::now() + wait;
        self.put("clientstatus", &[("node", node), ("cn", client)])?;
        let me = self.id().to_owned();
        let answer = self.wait(until, |m| {
            let remote = m.kind() == Some("respond-cstatus") && m.text("to_id") == Some(&me);
            remote || m.text("reqtype") == Some("clientstatus")
        })?;
        let word = answer.text("cs").map(str::to_owned);
        word.ok_or_else(|| Error::BadRequest(answer.text("info").unwrap_or_default().to_owned()))
    }

    fn one(&mut self, kind: &str, fields: &[(&str, &str)], want: &str) -> Result<String, Error> {
        let answer = self.ask(kind, fields)?;
        match answer.text(want) {
            Some(word) => Ok(word.to_owned()),
            None => Err(Error::Broken(format!("an answer to {kind} has no {want}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::fake;

    fn session() -> Session {
        Session::over(fake::daemon(&[]).0, fake::LIMIT).unwrap()
    }

    #[test]
    fn nodes_and_their_links() {
        let mut session = session();
        let nodes = session.nodes().unwrap();
        let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["ta", "tb", "10.91.0.3"]);
        assert_eq!(nodes[2].kind, "ping");
        let links = session.links("tb").unwrap();
        assert_eq!(links[0].name, "eth0");
        assert_eq!(links[0].status, "up");
    }

    #[test]
    fn a_parameter_may_be_unset() {
        let mut session = session();
        assert_eq!(session.parameter("deadtime").unwrap().unwrap(), "4");
        assert_eq!(session.parameter("nosuch").unwrap(), None);
    }

    #[test]
    fn clients_here_and_on_the_other_node() {
        let mut session = session();
        let wait = Duration::from_secs(2);
        assert_eq!(session.client_status("ta", "x", wait).unwrap(), "offline");
        assert_eq!(session.client_status("tb", "x", wait).unwrap(), "online");
        let late = session.client_status("ta", "x", Duration::ZERO);
        assert!(matches!(late, Err(Error::Late)));
    }
}
