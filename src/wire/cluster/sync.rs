//! Barriers of a change of members.

use super::ClusterError;
use super::header::{Header, Service};
use crate::wire::cursor::{Reader, Writer};
use crate::wire::totem::{Dialect, RingId};

/// Places for services in a message. Source: corosync 3.1.7, exec/sync.c, `SERVICES_COUNT_MAX`
const SERVICES_MAX: usize = 128;

/// Numbers that a receiver has room for. Source: spec totem-wire.md A.6
const SERVICE_NUMBERS: u16 = 64;

/// A message of group `sync`.
///
/// Layout: header 16; ring id 12 and 4 pad (2.x: 30 and 2); a list also: u32 count, 4 pad, 128 ×
/// u32 service.
/// Source: corosync 3.1.7, exec/sync.c; spec corosync-services.md 2.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sync {
    /// Id 0: all of the sender's messages of the present service came before this.
    Barrier(RingId),
    /// Id 1: which services the sender has.
    ServiceBuild {
        /// The ring.
        ring: RingId,
        /// Services, ascending.
        services: Vec<Service>,
    },
}

impl Sync {
    pub(super) fn decode(
        header: &Header,
        reader: &mut Reader<'_>,
        dialect: Dialect,
    ) -> Result<Self, ClusterError> {
        let ring = RingId::decode(reader, dialect)?;
        match header.id {
            0 => Ok(Self::Barrier(ring)),
            1 => {
                reader.skip(padding(dialect))?;
                let count = reader.u32()? as usize;
                reader.skip(4)?;
                if count > SERVICES_MAX {
                    return Err(ClusterError::Malformed("more than 128 services"));
                }
                let one = |_| {
                    let number = reader.u32()?;
                    let number = u16::try_from(number).ok().filter(|n| *n < SERVICE_NUMBERS);
                    number
                        .map(Service)
                        .ok_or(ClusterError::Malformed("a service number of 64 or more"))
                };
                let services = (0..count).map(one).collect::<Result<_, ClusterError>>()?;
                Ok(Self::ServiceBuild { ring, services })
            }
            function => Err(ClusterError::Unknown {
                service: 0,
                function: function as u16,
            }),
        }
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>, dialect: Dialect) {
        let (id, ring) = match self {
            Self::Barrier(ring) => (0, ring),
            Self::ServiceBuild { ring, .. } => (1, ring),
        };
        Header { id, size: 0 }.encode(writer);
        ring.encode(writer, dialect);
        writer.zeros(padding(dialect));
        if let Self::ServiceBuild { services, .. } = self {
            let services = services.get(..SERVICES_MAX).unwrap_or(services);
            writer.u32(services.len() as u32);
            writer.zeros(4);
            for service in services {
                writer.u32(service.0.into());
            }
            writer.zeros(4 * (SERVICES_MAX - services.len()));
        }
    }
}

/// What follows a ring id up to the next border.
fn padding(dialect: Dialect) -> usize {
    match dialect {
        Dialect::V3 => 4,
        Dialect::V2 | Dialect::V1 => 2,
    }
}
