//! Seed images, and any other of ISO 9660.

use std::io::{Cursor, Read as _};

use imgbuild::iso9660::{check_rest, read_image};

/// An image: the files that are listed lie within it and can be read, whatever it says. Good is one that imgbuild writes.
pub fn image(data: &[u8]) -> bool {
    let mut image = Cursor::new(data);
    let Ok(listing) = read_image(&mut image) else { return false };
    for file in &listing.files {
        let is_portable =
            !file.name.is_empty() && !file.name.contains('/') && !matches!(&*file.name, "." | "..");
        assert!(is_portable, "{:?} leads elsewhere", file.name);
        let mut bytes = Vec::new();
        file.open(&mut image)
            .expect("memory can be read")
            .read_to_end(&mut bytes)
            .expect("memory can be read");
        assert_eq!(bytes.len() as u64, file.size, "{} ends behind the image", file.name);
    }
    check_rest(&mut image, &listing).is_ok()
}
