//! The words for the values that options take, and what `--help` says of each.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::machine::Accelerator;
use crate::output::DeliveryKind;
use crate::plan::Format;
use crate::release::Arch;

fn word(name: &'static str, help: &'static str) -> PossibleValue {
    PossibleValue::new(name).help(help)
}

impl ValueEnum for Arch {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Amd64, Self::Arm64]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Amd64 => word("amd64", "64-bit x86"),
            Self::Arm64 => word("arm64", "64-bit ARM"),
        })
    }
}

impl ValueEnum for DeliveryKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Image, Self::Shared, Self::Http, Self::Download]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Image => word("image", "Each seed contains its node's whole overlay"),
            Self::Shared => word(
                "shared",
                "A shared image contains the layers of all nodes, each once; a seed contains its node's own layer",
            ),
            Self::Http => word("http", "Nodes fetch layers over HTTP; a seed contains only documents"),
            Self::Download => word(
                "download",
                "Nodes fetch the releases themselves, from upstream or a mirror; a seed contains everything else",
            ),
        })
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Overlay, Self::Sysext]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Overlay => word("overlay", "Plain files"),
            Self::Sysext => word(
                "sysext",
                "One system extension per component: a read-only image that systemd-sysext merges into /usr",
            ),
        })
    }
}

impl ValueEnum for Accelerator {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Kvm, Self::Tcg]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Kvm => word("kvm", "By the processor, with Linux' KVM"),
            Self::Tcg => word("tcg", "In software; ten times slower or more"),
        })
    }
}
