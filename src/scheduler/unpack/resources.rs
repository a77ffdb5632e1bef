//! Resources: from elements to the table, with all that they inherit.

use crate::cib::Element;
use crate::cib::boolean;
use crate::rules;
use crate::rules::{Agent, Context, Lookup};
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::unpack::options::QuorumPolicy;
use crate::scheduler::unpack::sets::Reading;

impl<'a> Cluster<'a> {
    /// All resources of the configuration.
    pub(in crate::scheduler) fn unpack_resources(&mut self) {
        let Some(section) = self.configuration("resources") else {
            return;
        };
        for element in section.children() {
            if element.name() != "template"
                && let Some(top) = self.unpack_resource(element, None, None)
            {
                self.top.push(top);
            }
        }
        for i in 0..self.top.len() {
            let top = self.top[i];
            self.link_containers(top);
            self.link_connection(top);
        }
        let resources = &self.resources;
        self.top.sort_by_key(|&r| -i64::from(resources[r].priority));
        if self.options.stonith_enabled && self.options.have_watchdog {
            self.has_fence_device = true;
        }
    }

    fn link_containers(&mut self, resource: ResourceId) {
        let children = self.resources[resource].children.clone();
        if !children.is_empty() {
            for child in children {
                self.link_containers(child);
            }
            return;
        }
        let Some(name) = self.meta(resource, "container") else {
            return;
        };
        if *name == *self.resources[resource].id {
            return;
        }
        if let Some(container) = self.resource_named(&name) {
            self.resources[resource].container = Some(container);
            let is_internal_link = self.resources[container].fillers.contains(&resource);
            if !is_internal_link {
                self.resources[container].fillers.push(resource);
            }
        }
    }

    /// A connection belongs to its node, which is unclean until it has been seen. This is done for
    /// what isn't in anything: a connection in a group has no node.
    pub(in crate::scheduler) fn link_connection(&mut self, resource: ResourceId) {
        if !self.resources[resource].is_connection {
            return;
        }
        let id = self.resources[resource].id.clone();
        if let Some(node) = self.node_named(&id) {
            self.nodes[node].connection = Some(resource);
            self.resources[resource].connection_node = Some(node);
            let guest = self.resources[resource].container.is_some();
            let kind = if guest { "container" } else { "remote" };
            self.nodes[node].attrs.insert("#kind".into(), kind.into());
            if !guest {
                self.nodes[node].unclean = self.options.startup_fencing;
                self.nodes[node].unseen = true;
            }
        }
    }

    /// A value of a resource's meta attributes.
    pub fn meta(&self, resource: ResourceId, name: &str) -> Option<Text> {
        self.resources[resource].meta.get(name).cloned()
    }

    /// One resource with all in it.
    pub(in crate::scheduler) fn unpack_resource(
        &mut self,
        element: Element<'a>,
        parent: Option<ResourceId>,
        number: Option<i32>,
    ) -> Option<ResourceId> {
        let id = element.id()?;
        let kind = match element.name() {
            "group" => Kind::Group(GroupBody::default()),
            "clone" | "master" => Kind::Clone(CloneBody::default()),
            "bundle" => Kind::Bundle(BundleBody::default()),
            "primitive" | "lrm_resource" => Kind::Primitive,
            _ => return None,
        };
        let id: Text = match number {
            Some(number) => format!("{id}:{number}").into(),
            None => id.into(),
        };
        let resource = self.blank(id.clone(), element, kind);
        self.add_name(id, resource);
        self.resources[resource].parent = parent;
        self.resources[resource].number = number;
        self.read_meta(resource, number);
        self.read_fields(resource);
        let made = match &self.resources[resource].kind {
            Kind::Primitive => self.fits_clone(resource),
            Kind::Group(_) => self.unpack_group(resource, number),
            Kind::Clone(_) => self.unpack_clone(resource),
            Kind::Bundle(_) => self.unpack_bundle(resource),
        };
        if !made {
            return None;
        }
        self.default_locations(resource);
        self.resources[resource].utilization = self.amounts(self.resources[resource].xml);
        Some(resource)
    }

    fn blank(&mut self, id: Text, xml: Element<'a>, kind: Kind<'a>) -> ResourceId {
        self.resources.push(Resource {
            id,
            alt_name: None,
            xml,
            number: None,
            kind,
            parent: None,
            children: Vec::new(),
            meta: Values::new(),
            params: Default::default(),
            utilization: Default::default(),
            class: xml.attr("class").unwrap_or(""),
            provider: xml.attr("provider"),
            agent: xml.attr("type").unwrap_or(""),
            priority: 0,
            stickiness: 0,
            threshold: INFINITY,
            failure_timeout: 0,
            reconnect_ms: 0,
            restart_restart: false,
            recovery: MultipleActive::StopStart,
            managed: true,
            blocked: false,
            maintenance: false,
            orphan: false,
            unique: false,
            notify: false,
            critical: true,
            failed: false,
            failed_stop: false,
            failure_ignored: false,
            start_pending: false,
            reload: false,
            restarting: false,
            stop_unexpected: false,
            allow_migrate: false,
            needs_fencing: false,
            needs_unfencing: false,
            needs_quorum: false,
            internal: false,
            fence_device: xml.attr("class") == Some("stonith"),
            is_connection: crate::scheduler::unpack::expand::is_connection(xml.doc(), xml.node()),
            remotes_in_remotes: false,
            exclusive_discover: false,
            provisional: true,
            visit: Default::default(),
            sort_index: 0,
            colocated: 0,
            container: None,
            fillers: Vec::new(),
            connection_node: None,
            role: Role::Stopped,
            next_role: Role::Unknown,
            running_on: Vec::new(),
            known_on: Vec::new(),
            allowed: Default::default(),
            assigned: None,
            assigned_score: 0,
            partial: Default::default(),
            dangling: Vec::new(),
            pending: Default::default(),
            lock: Default::default(),
            this_with: Vec::new(),
            with_this: Vec::new(),
            locations: Vec::new(),
            tickets: Vec::new(),
            actions: Vec::new(),
        })
    }

    /// Facts about a resource for rules of its attribute sets.
    pub(in crate::scheduler) fn context_of(&self, resource: ResourceId) -> Context<'_> {
        let r = &self.resources[resource];
        Context {
            // Groups and clones have none of these, which is what a rule may ask for.
            agent: Some(Agent {
                class: r.class,
                provider: r.provider,
                kind: r.agent,
            }),
            ..self.context()
        }
    }

    fn read_meta(&mut self, resource: ResourceId, number: Option<i32>) {
        let r = &self.resources[resource];
        let context = self.context_of(resource);
        let mut meta = Values::new();
        for (name, value) in r.xml.attrs() {
            meta.insert(name.into(), value.into());
        }
        if let Some(number) = number {
            meta.insert("clone".into(), number.to_string().into());
        }
        let reading = Reading::default();
        let sets = "meta_attributes";
        self.read_sets(r.xml, sets, &context, reading, &mut meta);
        let mut ancestor = r.parent;
        while let Some(at) = ancestor {
            self.read_sets(self.resources[at].xml, sets, &context, reading, &mut meta);
            ancestor = self.resources[at].parent;
        }
        if let Some(defaults) = self.configuration("rsc_defaults") {
            self.read_sets(defaults, sets, &context, reading, &mut meta);
        }
        if let Some(parent) = r.parent {
            for (name, value) in &self.resources[parent].meta {
                meta.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        self.resources[resource].meta = meta;
    }

    /// Parameters of a resource on a node, from its sets, its parents' and the defaults.
    pub(in crate::scheduler) fn read_params(
        &self,
        resource: ResourceId,
        node: Option<NodeId>,
    ) -> Values {
        let context = Context {
            node: node.map(|n| &self.nodes[n].attrs as &dyn Lookup),
            ..self.context_of(resource)
        };
        let mut values = Values::new();
        let (sets, reading) = ("instance_attributes", Reading::default());
        let mut at = Some(resource);
        while let Some(r) = at {
            self.read_sets(self.resources[r].xml, sets, &context, reading, &mut values);
            at = self.resources[r].parent;
        }
        if let Some(defaults) = self.configuration("rsc_defaults") {
            self.read_sets(defaults, sets, &context, reading, &mut values);
        }
        values
    }

    fn read_fields(&mut self, resource: ResourceId) {
        self.read_management(resource);
        self.read_numbers(resource);
        self.read_requires(resource);
        let meta = |name: &str| self.meta(resource, name);
        let multiple = match meta("multiple-active").as_deref() {
            Some("stop_only") => MultipleActive::StopOnly,
            Some("block") => MultipleActive::Block,
            Some("stop_unexpected") => MultipleActive::StopUnexpected,
            _ => MultipleActive::StopStart,
        };
        let container = meta("container").is_some();
        let is_connection = self.resources[resource].is_connection;
        let default = is_connection && !container;
        let migrate = match meta("allow-migrate").as_deref() {
            Some(text) => boolean::is_true(Some(text)),
            None => default,
        };
        let notify = boolean::is_true(meta("notify").as_deref());
        let internal = boolean::is_true(meta("internal_rsc").as_deref());
        let restart = meta("restart-type").as_deref() == Some("restart");
        let critical = meta("critical").is_none_or(|c| boolean::is_true(Some(&c)));
        let remotes = is_connection && boolean::is_true(meta("allow-remote-remotes").as_deref());
        let next = self.target_role_of(resource);
        let r = &mut self.resources[resource];
        r.recovery = multiple;
        r.allow_migrate = migrate;
        r.notify = notify;
        r.internal = internal;
        r.restart_restart = restart;
        r.critical = critical;
        r.remotes_in_remotes = remotes;
        r.next_role = next.unwrap_or(Role::Unknown);
        if r.fence_device {
            self.has_fence_device = true;
        }
        self.read_unique(resource);
    }

    fn read_management(&mut self, resource: ResourceId) {
        let meta = |name: &str| self.meta(resource, name);
        let mode = self.options.maintenance;
        let managed = match meta("is-managed").as_deref() {
            Some(text) => boolean::is_true(Some(text)),
            None => !mode,
        };
        let maintenance = mode || boolean::is_true(meta("maintenance").as_deref());
        let r = &mut self.resources[resource];
        r.managed = managed && !maintenance;
        r.maintenance = maintenance;
    }

    fn read_numbers(&mut self, resource: ResourceId) {
        let colours = self.health.colours;
        if self.resources[resource].is_clone() {
            let meta = &mut self.resources[resource].meta;
            let key: Text = "resource-stickiness".into();
            meta.entry(key).or_insert_with(|| "1".into());
        }
        let meta = |name: &str| self.meta(resource, name);
        let priority = score::parse(meta("priority").as_deref(), colours);
        let stickiness = meta("resource-stickiness").filter(|s| &**s != "default");
        let stickiness = score::parse(stickiness.as_deref(), colours);
        let threshold = meta("migration-threshold").map_or(INFINITY, |t| {
            let value = score::parse(Some(&t), colours);
            if value < 0 { 1 } else { value }
        });
        let timeout = meta("failure-timeout")
            .map_or(0, |t| i64::from(rules::interval_ms(&t).unwrap_or(0) / 1000));
        let connection = self.resources[resource].is_connection;
        let guest = meta("container").is_some();
        let reconnect = if connection && !guest {
            let params = self.params(resource, None);
            params
                .get("reconnect_interval")
                .map_or(0, |v| rules::interval_ms(v).unwrap_or(0))
        } else {
            0
        };
        let r = &mut self.resources[resource];
        r.priority = priority;
        r.stickiness = stickiness;
        r.threshold = threshold;
        r.failure_timeout = timeout;
        if reconnect > 0 {
            r.reconnect_ms = reconnect;
            r.failure_timeout = i64::from(reconnect / 1000);
        }
    }

    fn read_requires(&mut self, resource: ResourceId) {
        let stonith = self.options.stonith_enabled;
        let r = &self.resources[resource];
        let default = if r.fence_device || r.is_connection {
            "quorum"
        } else if self.options.unfencing {
            "unfencing"
        } else if stonith {
            "fencing"
        } else if self.options.quorum_policy == QuorumPolicy::Ignore {
            "nothing"
        } else {
            "quorum"
        };
        let value = self.meta(resource, "requires");
        let mut requires = match value.as_deref() {
            Some(v @ ("nothing" | "quorum" | "fencing" | "unfencing")) => v,
            _ => default,
        };
        if requires == "unfencing" && (r.fence_device || !stonith) {
            requires = "quorum";
        }
        let r = &mut self.resources[resource];
        r.needs_quorum = requires == "quorum";
        r.needs_fencing = matches!(requires, "fencing" | "unfencing");
        r.needs_unfencing = requires == "unfencing";
    }

    fn read_unique(&mut self, resource: ResourceId) {
        let mut at = self.resources[resource].parent;
        let mut clone = self.resources[resource].is_clone().then_some(resource);
        while let Some(parent) = at {
            if self.resources[parent].is_clone() {
                clone = Some(parent);
            }
            at = self.resources[parent].parent;
        }
        let unique = match clone {
            None => true,
            Some(_) => boolean::is_true(self.meta(resource, "globally-unique").as_deref()),
        };
        self.resources[resource].unique = unique;
    }

    /// The role that the configuration asks for, as far as it limits anything.
    pub fn target_role_of(&self, resource: ResourceId) -> Option<Role> {
        let text = self.meta(resource, "target-role")?;
        match Role::parse(&text) {
            Role::Stopped => Some(Role::Stopped),
            Role::Unpromoted if self.in_promotable(resource) => Some(Role::Unpromoted),
            _ => None,
        }
    }

    fn default_locations(&mut self, resource: ResourceId) {
        let guest =
            self.resources[resource].is_connection && self.meta(resource, "container").is_some();
        if !self.options.symmetric && !guest {
            return;
        }
        for i in 0..self.node_order.len() {
            let node = self.node_order[i];
            let r = &self.resources[resource];
            let skip = r.exclusive_discover || self.nodes[node].never_discover;
            let known = self.first_of_id(&r.allowed, node);
            if (self.options.symmetric && skip) || r.allowed.has(known) {
                continue;
            }
            let entry = self.entry_of(node);
            self.resources[resource].allowed.insert(node, entry);
        }
    }

    /// Whether a primitive can be in the clone it is in; one that can't be unique makes the
    /// clone anonymous, but not what was read of the present instance before it.
    fn fits_clone(&mut self, resource: ResourceId) -> bool {
        let clone = self.top_of(resource);
        if !self.resources[clone].is_clone() {
            return true;
        }
        let r = &self.resources[resource];
        let (class, unique) = (r.class, r.unique);
        if unique && !matches!(class, "ocf" | "stonith") {
            let nodes = i32::try_from(self.node_order.len()).unwrap_or(i32::MAX);
            let body = self.clone_mut(clone);
            body.node_max = 1;
            body.max = body.max.min(nodes);
            self.make_anonymous(clone);
            self.make_anonymous(resource);
        }
        class == "ocf" || !self.resources[clone].is_promotable()
    }

    fn make_anonymous(&mut self, resource: ResourceId) {
        let r = &mut self.resources[resource];
        r.unique = false;
        let name: Text = "globally-unique".into();
        r.meta.entry(name).or_insert_with(|| "false".into());
        for child in r.children.clone() {
            self.make_anonymous(child);
        }
    }
}
