//! The operator's time zone, as far as it can be wrong.

use jiff::tz::TimeZone;

use crate::command::CommandError;

/// Says that `TZ` names an unknown zone; times are read and shown in UTC then, as other programs do.
pub(crate) fn unknown() -> Option<CommandError> {
    let name = std::env::var_os("TZ")?;
    TimeZone::try_system().is_err().then(|| {
        let message = format!("unknown time zone {:?} in TZ; times are in UTC", name.to_string_lossy());
        CommandError::usage(message, "write it like TZ=Europe/Berlin")
    })
}

/// Its name; that of UTC where it has none.
pub(crate) fn name() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}
