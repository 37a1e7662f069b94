//! How the nodes get their layers: what must be said for it, and what does not go with it.

use super::usage;
use crate::cli::Delivering;
use crate::failure::Failure;
use crate::output::DeliveryKind;
use crate::plan::{Delivery, DownloadSource, Format, LAYERS};
use crate::release::Mirror;

/// What these options mean, with the mirror that nodes may fetch from.
pub(super) fn resolve(args: &Delivering, mirror: Option<&Mirror>) -> Result<Delivery, Failure> {
    if args.url.is_some() && args.delivery != DeliveryKind::Http {
        return usage(
            "unexpected `--url` without `--delivery http`",
            "add `--delivery http`, or leave out `--url`",
        );
    }
    Ok(match args.delivery {
        DeliveryKind::Image => Delivery::Image,
        DeliveryKind::Shared => Delivery::Shared,
        DeliveryKind::Http => Delivery::Http { base: base(args.url.as_deref())? },
        DeliveryKind::Download => Delivery::Download { from: source(args.format, mirror)? },
    })
}

/// The address below which the layers are.
fn base(url: Option<&str>) -> Result<String, Failure> {
    let Some(url) = url else {
        return usage(
            "`--delivery http` is missing `--url`, the address that the nodes fetch from",
            "add `--url http://HOST:PORT`, where `imgbuild serve` or another server answers",
        );
    };
    if !is_plain(url) {
        // It may hold a password, and is not repeated.
        return usage(
            "`--url` is not a valid http or https URL",
            "`http://HOST:PORT`, also with `https` or a path, without user name, `?` or `#`",
        );
    }
    Ok(format!("{}/{LAYERS}", url.trim_end_matches('/')))
}

/// Whether paths can be put behind an address, and anybody may read it.
fn is_plain(url: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "'\"\\`$?#@".contains(c);
        !rest.starts_with('/') && !rest.is_empty() && !rest.contains(is_odd)
    })
}

/// Where the nodes fetch releases themselves.
fn source(format: Format, mirror: Option<&Mirror>) -> Result<DownloadSource, Failure> {
    if format == Format::Sysext {
        return usage(
            "`--format sysext` cannot be combined with `--delivery download`: then a build fetches no releases to make system extensions of",
            "leave out `--format sysext`, or choose another `--delivery`",
        );
    }
    let Some(mirror) = mirror else { return Ok(DownloadSource::Upstream) };
    if mirror.address("https://upstream/").is_none() {
        return usage(
            "with `--delivery download` nodes fetch from the mirror themselves, which is not possible with this one",
            "`--mirror http://HOST:PORT`, a web server without user name and password; or leave out `--mirror`",
        );
    }
    Ok(DownloadSource::Mirror(mirror.clone()))
}
