//! What is measured.

use serde::Serialize;

use crate::load::workload::{Door, Workload};

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Pgbench,
    Floor,
    Rest,
    GraphQl,
}

impl Subject {
    pub const ALL: [Self; 4] = [Self::Pgbench, Self::Floor, Self::Rest, Self::GraphQl];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench",
            Self::Floor => "floor",
            Self::Rest => "REST",
            Self::GraphQl => "GraphQL",
        }
    }

    /// How it is asked, if it is a server.
    pub fn door(self) -> Option<Door> {
        match self {
            Self::Pgbench => None,
            Self::Floor | Self::Rest => Some(Door::Rest),
            Self::GraphQl => Some(Door::GraphQl),
        }
    }

    /// The floor knows no cursors.
    pub fn does(self, workload: Workload) -> bool {
        (self, workload) != (Self::Floor, Workload::Deep)
    }
}
