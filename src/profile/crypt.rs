//! Hashes of passwords as crypt(3) of Ubuntu 24.04 (libxcrypt 4.4.36) reads them, told from passwords in clear.
//!
//! A hash that is broken or foreign must not pass for a password in clear: it would become a password that nobody knows.

use regex_lite::Regex;

/// The longest password in clear that crypt(3) takes: `CRYPT_MAX_PASSPHRASE_SIZE` less the NUL.
const LONGEST: usize = 511;

/// How people make a hash.
const MAKE: &str = "`openssl passwd -6` or `mkpasswd` makes a hash of a password";

/// What the text of a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password<'a> {
    /// The password itself.
    Clear(&'a str),
    /// A hash that crypt(3) checks.
    Hash(&'a str),
}

/// Why a text is neither. No part of it is in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPassword {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A method of crypt(3).
struct Method {
    name: &'static str,
    prefix: &'static str,
    /// What follows the prefix, as crypt(5) has it, with the bounds of the parameters that libxcrypt keeps.
    rest: &'static str,
    /// The same in words.
    words: &'static str,
}

/// The methods with a prefix of their own. Of those without: 13 characters may be of traditional DES and as well a
/// password in clear, and are taken for that.
const METHODS: [Method; 13] = [
    Method {
        name: "yescrypt",
        prefix: "$y$",
        rest: r"[./A-Za-z0-9]{3,}\$[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}",
        words: "`$y$`, parameters, `$`, salt, `$` and 43 characters",
    },
    Method {
        name: "gost-yescrypt",
        prefix: "$gy$",
        rest: r"[./A-Za-z0-9]{3,}\$[./A-Za-z0-9]{0,86}\$[./A-Za-z0-9]{43}",
        words: "`$gy$`, parameters, `$`, salt, `$` and 43 characters",
    },
    Method {
        name: "scrypt",
        prefix: "$7$",
        rest: r"[./A-Za-z0-9]{11,97}\$[./A-Za-z0-9]{43}",
        words: "`$7$`, parameters and salt of 11 to 97 characters, `$` and 43 characters",
    },
    BCRYPT,
    Method { prefix: "$2a$", ..BCRYPT },
    Method { prefix: "$2x$", ..BCRYPT },
    Method { prefix: "$2y$", ..BCRYPT },
    Method {
        name: "sha512crypt",
        prefix: "$6$",
        rest: r"(?:rounds=[1-9][0-9]{3,8}\$)?[^$]{0,16}\$[./A-Za-z0-9]{86}",
        words: "`$6$`, `rounds=1000$` to `rounds=999999999$` if not 5000, salt of at most 16 characters, `$` and \
                86 characters",
    },
    Method {
        name: "sha256crypt",
        prefix: "$5$",
        rest: r"(?:rounds=[1-9][0-9]{3,8}\$)?[^$]{0,16}\$[./A-Za-z0-9]{43}",
        words: "`$5$`, `rounds=1000$` to `rounds=999999999$` if not 5000, salt of at most 16 characters, `$` and \
                43 characters",
    },
    Method {
        name: "sha1crypt",
        prefix: "$sha1$",
        rest: r"[1-9][0-9]{0,9}\$[./A-Za-z0-9]{1,64}\$[./A-Za-z0-9]{28}",
        words: "`$sha1$`, rounds, `$`, salt of at most 64 characters, `$` and 28 characters",
    },
    Method {
        name: "SunMD5",
        prefix: "$md5",
        rest: r"(?:,rounds=[1-9][0-9]{0,9})?\$[./A-Za-z0-9]{8}\${1,2}[./A-Za-z0-9]{22}",
        words: "`$md5`, `,rounds=N` or nothing, `$`, 8 characters of salt, `$` or `$$`, and 22 characters",
    },
    Method {
        name: "md5crypt",
        prefix: "$1$",
        rest: r"[^$]{0,8}\$[./A-Za-z0-9]{22}",
        words: "`$1$`, salt of at most 8 characters, `$` and 22 characters",
    },
    Method {
        name: "NT",
        prefix: "$3$",
        rest: r"\$[0-9a-f]{32}",
        words: "`$3$$` and 32 lower-case hexadecimal digits",
    },
];

const BCRYPT: Method = Method {
    name: "bcrypt",
    prefix: "$2b$",
    rest: r"(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}",
    words: "`$2b$`, a cost of 04 to 31, `$` and 53 characters",
};

/// `BSDi`'s extended DES, 20 characters: the count is odd, and of the 66 bits of the hash the last two are zeros.
const BSDI: &str = r"_[/13579BDFHJLNPRTVXZbdfhjlnprtvxz][./A-Za-z0-9]{17}[.26AEIMQUYcgkosw]";

/// What begins like a hash of some other system: another method in the form of crypt(3), a locked one, a line of
/// shadow(5), RFC 2307's `{SCHEME}`, and the forms of web frameworks.
const FOREIGN: &str = r"\$[A-Za-z0-9_-]{1,32}[$,].*|[!*]+\$.*|[^:$]*:\$.*|\{[A-Z0-9./-]{3,}\}.*|(?:pbkdf2|bcrypt|scrypt|argon2|sha1|md5)[A-Za-z0-9_:]*\$.*";

impl<'a> Password<'a> {
    /// Tells what a text is.
    pub fn read(text: &'a str) -> Result<Self, NoPassword> {
        if let Some(method) = METHODS.iter().find(|method| text.starts_with(method.prefix)) {
            return method.check(text);
        }
        if is_whole(BSDI, text) {
            return Ok(Self::Hash(text));
        }
        let no = |message: &str, help: String| Err(NoPassword { message: message.to_owned(), help });
        if is_whole(FOREIGN, text) {
            let help = format!("{MAKE}; for a password in clear that begins so, write its hash");
            return no("begins like a hash, of a kind that crypt(3) of Ubuntu does not check", help);
        }
        if text.chars().any(char::is_control) {
            let help = "write it in one line, in quotes: `|` and `>` of YAML add a line break".to_owned();
            return no("contains a line break or another control character, which cannot be typed", help);
        }
        if text.len() > LONGEST {
            return no("is longer than the 511 bytes that crypt(3) takes", "choose a shorter one".to_owned());
        }
        Ok(Self::Clear(text))
    }
}

impl Method {
    /// A text that begins as this method's hashes do. It is printable ASCII without the marks of shadow(5), as crypt(5) says.
    fn check<'a>(&self, text: &'a str) -> Result<Password<'a>, NoPassword> {
        let is_ascii = text.bytes().all(|byte| byte.is_ascii_graphic() && !b":;*!\\".contains(&byte));
        if is_ascii && is_whole(self.rest, &text[self.prefix.len()..]) {
            return Ok(Password::Hash(text));
        }
        let message = format!("begins like a hash of {}, but is not a valid one", self.name);
        let help = format!("expected {}; {MAKE}", self.words);
        Err(NoPassword { message, help })
    }
}

fn is_whole(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("(?s)^(?:{pattern})$")).expect("the patterns are our own").is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes of `geheim`, made by libxcrypt.
    const HASHES: [&str; 17] = [
        "$1$abcdefgh$eKehL.s8tG6zTf8hBtmEF.",
        "$2b$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
        "$2a$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
        "$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
        "$2x$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
        "$3$$c2ae1fe6e648846352453e816f2aeb93",
        "$5$salt$6fJMAXmC4lPG9k9rwrM8yzXczDaxp7mD.bY7UH4/Hl2",
        "$6$rounds=1000$salt$tRQkyEZ6L3dKQxT9Z.tUcL/KAKHXF6ONK4LYW7X2wVA7ym07OgbcQ42O81npCuzC5Ey7.p.SZ0lIuhJNMxsOL.",
        "$6$$B/JdIuzJbQmEKPJYnu8j244P7Y0LvLAkNL0bhVSpQ7CCAm7KnCU4G1YddevgjJ43EQXoCP15dsr5aUIzaEZEY.",
        "$7$CU..../....abcdefgh$UzRfMngIRiSAq8uVIAGOEsOlpkna8QUSnwMz/WDgMg3",
        "$y$j9T$abcdefgh$GxCeQreerYP7WYNXxV9BftndBRQBXf2528rchsi.eVD",
        "$gy$j9T$abcdefgh$ZgshOkwh.krUo/QLeetmr12DH7HNkcvoDiAYzU8s2w9",
        "$sha1$100$abcdefgh$Lws1L8XFf4IWPXDnZLeEFhe4D2Vu",
        "$md5$abcdefgh$$/UHjHmN3I236eyemV9bJ/1",
        "$md5,rounds=5000$abcdefgh$$HT05KGvWUmUuMkdq1EoBL.",
        "_J9..abcdS2c/16h8K92",
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
    ];

    #[test]
    fn hashes_of_every_method_are_known_and_none_survives_a_cut() {
        for hash in HASHES {
            assert_eq!(Password::read(hash), Ok(Password::Hash(hash)));
            for broken in [&hash[..hash.len() - 1], &format!("{hash}a"), &format!("{hash}\n")] {
                assert_ne!(Password::read(broken), Ok(Password::Hash(broken)));
                assert!(hash.starts_with('_') || Password::read(broken).is_err(), "{broken}");
            }
        }
    }

    #[test]
    fn what_only_begins_like_a_hash_is_neither() {
        for text in [
            "$6$",
            "$6$salt",
            "$6$ is how my password begins",
            "$6$rounds=999$salt$tRQkyEZ6L3dKQxT9Z.tUcL/KAKHXF6ONK4LYW7X2wVA7ym07OgbcQ42O81npCuzC5Ey7.p.SZ0lIuhJNMxsOL.",
            "$6$saltsaltsaltsaltX$KwqT4Cxg1hEzACkvPcn7GyiaQUZPbysr.RibzefXqXQyoIWMZ5f0VP8a1GdXqzda1Meaq4sEGZBea/fCt6jXO.",
            "$6$sa:t$tRQkyEZ6L3dKQxT9Z.tUcL/KAKHXF6ONK4LYW7X2wVA7ym07OgbcQ42O81npCuzC5Ey7.p.SZ0lIuhJNMxsOL.",
            "$2b$03$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
            "$2$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu",
            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
            "$apr1$abcdefgh$eKehL.s8tG6zTf8hBtmEF.",
            "$P$984478476IagS59wHZvyQMArzfx58u.",
            "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
            "!$6$salt$x",
            "root:$6$salt$x:19000:0:99999:7:::",
            "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3",
            "pbkdf2_sha256$260000$salt$hash",
            "geheim\n",
        ] {
            let why = Password::read(text).unwrap_err();
            assert!(!why.help.is_empty() && !why.message.contains(text), "{text}");
        }
        assert!(Password::read(&"x".repeat(512)).is_err());
    }

    #[test]
    fn other_texts_are_in_clear() {
        for text in [
            "geheim",
            "p$w",
            "$",
            "$$",
            "a b c",
            "abOkmxXhjDb.Y",
            "_short",
            "{{ vault }}",
            "50$ is 50$",
            "x:y",
        ] {
            assert_eq!(Password::read(text), Ok(Password::Clear(text)));
        }
    }
}
