// A path of more than 100 bytes, as the release has many: it takes a long-name record in a tar archive.
