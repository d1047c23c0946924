//! What is requested, and over how many connections.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// The operation that is measured. Its name is also that of its script in `sql/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// 20 tasks
    List,
    /// A single task
    Get,
    Create,
    Toggle,
    /// All of the above, 6 : 2 : 1 : 1
    Mixed,
    /// The first page of a user with 100,000 tasks
    First,
    /// A page in the middle of these, by its cursor
    Deep,
}

/// The part that a workload has in the mixed one.
pub struct Share {
    pub workload: Workload,
    pub weight: u32,
}

pub const MIX: [Share; 4] = [
    Share { workload: Workload::List, weight: 6 },
    Share { workload: Workload::Get, weight: 2 },
    Share { workload: Workload::Create, weight: 1 },
    Share { workload: Workload::Toggle, weight: 1 },
];

impl Workload {
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Toggle | Self::Mixed)
    }

    /// A random one of the mixed workload's; any other workload is itself.
    pub fn draw(self) -> Self {
        if self != Self::Mixed {
            return self;
        }
        let weights: u32 = MIX.iter().map(|share| share.weight).sum();
        let mut number = fastrand::u32(..weights);
        for share in MIX {
            match number.checked_sub(share.weight) {
                Some(rest) => number = rest,
                None => return share.workload,
            }
        }
        Self::List
    }
}

/// As on the command line.
impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.pad(value.get_name()))
    }
}

/// How requests arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Load {
    /// In a closed loop over few connections: each sends a request when its last one is answered.
    Few,
    /// The same over many.
    Many,
    /// Over as many, at half the rate of [`Load::Many`], however long responses take.
    Paced,
}

impl Load {
    pub fn connections(self) -> usize {
        match self {
            Self::Few => 16,
            Self::Many | Self::Paced => 1000,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Few | Self::Many => f.pad(&self.connections().to_string()),
            Self::Paced => f.pad("paced"),
        }
    }
}
