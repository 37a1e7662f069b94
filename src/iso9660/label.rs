//! The volume labels by which a guest finds an image among its disks.

/// What a volume is called. Both labels fit all that hold them: the primary descriptor's 32 d-characters
/// (ECMA-119 8.4.6) and the 16 UCS-2 characters of Joliet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeLabel {
    /// `CIDATA`: cloud-init's `NoCloud` source reads its documents from this volume.
    Cidata,
    /// `IMGBUILD`: a volume with an overlay only, which cloud-init leaves alone.
    Imgbuild,
}

impl VolumeLabel {
    /// The label as written in the image.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cidata => "CIDATA",
            Self::Imgbuild => "IMGBUILD",
        }
    }
}
