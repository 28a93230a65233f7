"""English."""

from bot.core.command import Verb
from bot.core.form import Embellishment
from bot.core.model import Field, Level, Product
from bot.core.mute import Choice
from bot.core.notice import Reason
from bot.core.reading import Cause, Held
from bot.core.unusable import Unusable
from bot.core.watch import Trouble
from bot.text.catalogue import Catalogue

_STATUS_PAGE = "<https://status.smspartner.fr/status/nda-media|the provider's status page>"
_TRY_LATER = f"I keep trying; if it lasts, look at {_STATUS_PAGE}."
_ASK_PROVIDER = "Ask {provider}'s support why, from {account_page}."
_CHECK_KEY = "Compare the key with {key_page} and set `{key}`."
_CHECK_URL = "Check `{url}`; without it the bot uses the right address."
_TRUST = (
    "If a proxy inspects TLS here, set `SSL_CERT_FILE` to a file with its CA certificate; "
    "if not, install the CA certificates (package ca-certificates) or check `{url}`."
)
_CHECK_NETWORK = "Check the host in DATABASE_URL, and that no firewall drops what this machine sends to it."
_CHECK_FILE = "Check the path in DATABASE_URL, and that the bot may write the file and in its folder."
_SLACKS_FAULT = "Slack answers with a fault of its own"

ENGLISH = Catalogue(
    locale="en",
    providers={Product.SMS: "SMS Partner", Product.VOICE: "Voice Partner", Product.MAIL: "Mail Partner"},
    some_provider="The provider",
    account_pages={
        Product.SMS: "<https://my.smspartner.fr/|the account>",
        Product.VOICE: "the account at Voice Partner",
        Product.MAIL: "the account at Mail Partner",
    },
    key_pages={
        Product.SMS: "<https://my.smspartner.fr/dashboard/api|the account's API page>",
        Product.VOICE: "the account's API page at Voice Partner",
        Product.MAIL: "the account's API page at Mail Partner",
    },
    url_settings={
        Product.SMS: "SMSPARTNER_API_URL",
        Product.VOICE: "VOICEPARTNER_API_URL",
        Product.MAIL: "MAILPARTNER_API_URL",
    },
    fields={
        Field.CREDIT_SMS: "SMS left",
        Field.CREDIT_SMS_ECO: "Economy SMS left",
        Field.CREDIT_HLR: "HLR look-ups left",
        Field.TO_SEND: "Waiting to leave",
        Field.CREDIT_MAIL: "Mails left",
        Field.BALANCE: "Balance",
        Field.SPEAKING_MOBILE: "Speaking time to mobiles",
        Field.SPEAKING_FIXED: "Speaking time to landlines",
        Field.VOICE_MESSAGES: "Voicemail drops left",
    },
    amounts={
        Field.CREDIT_SMS: "{amount} SMS",
        Field.CREDIT_SMS_ECO: "{amount} economy SMS",
        Field.CREDIT_HLR: "{amount} HLR look-ups",
        Field.TO_SEND: "{amount} waiting",
        Field.CREDIT_MAIL: "{amount} mails",
        Field.BALANCE: "{amount}",
        Field.SPEAKING_MOBILE: "{amount} to mobiles",
        Field.SPEAKING_FIXED: "{amount} to landlines",
        Field.VOICE_MESSAGES: "{amount} voicemail drops",
    },
    thresholds={
        Field.CREDIT_SMS: "{amount} SMS",
        Field.CREDIT_SMS_ECO: "{amount} economy SMS",
        Field.CREDIT_HLR: "{amount} HLR look-ups",
        Field.TO_SEND: "{amount} waiting",
        Field.CREDIT_MAIL: "{amount} mails",
        Field.BALANCE: "a balance of {amount}",
        Field.SPEAKING_MOBILE: "{amount} to mobiles",
        Field.SPEAKING_FIXED: "{amount} to landlines",
        Field.VOICE_MESSAGES: "{amount} voicemail drops",
    },
    levels={
        Level.OK: "fine",
        Level.WARNING: "warning",
        Level.CRITICAL: "critical",
        Level.EMPTY: "empty",
    },
    not_given="not given",
    price_label="Price per SMS",
    price="{amount} per SMS",
    credits={Product.SMS: "SMS credits", Product.VOICE: "Voice credits", Product.MAIL: "Mail credits"},
    subaccount_credits="Sub-account credits",
    named_title="{account}: {title}",
    reminder_title="Reminder: {title}",
    low_titles={
        Level.WARNING: "{credits} are low",
        Level.CRITICAL: "{credits} are critically low",
        Level.EMPTY: "{credits} are used up",
    },
    unreadable_title="Account {account} cannot be read",
    unlisted_title="Sub-accounts of {account} cannot be listed",
    unbalanced_title="Balances of sub-accounts of {account} cannot be read",
    no_credit_title="Account {account} is probably empty",
    group_title="{count} cannot be read from {host}",
    group_unlisted_title="Sub-accounts of {count} cannot be listed from {host}",
    accounts_counted={"one": "{count} account", "other": "{count} accounts"},
    ended_titles={
        Trouble.LOW: "{credits} are fine again",
        Trouble.UNREADABLE: "Account {account} can be read again",
    },
    unlisted_ended_title="Sub-accounts of {account} can be listed again",
    unbalanced_ended_title="Balances of sub-accounts of {account} can be read again",
    group_ended_title="{count} can be read again from {host}",
    group_listed_title="Sub-accounts of {count} can be listed again from {host}",
    time="{date_short_pretty} at {time}",
    time_to_the_second="{date_short_pretty} at {time_secs}",
    below="{value} left, below the {level} threshold of {threshold}.",
    subaccount_below="`{name}`: {value} left, below the {level} threshold of {threshold}.",
    subaccount_in_band="`{name}`: {value} left, above {threshold}, ends at {ends_at}.",
    subaccount_still_empty="`{name}`: {value} left, not enough: it counts as used up below {enough}.",
    subaccount_empty="`{name}`: {value} left, nothing can be sent any more.",
    subaccount_unknown="`{name}`: balance not given any more; it was below {threshold}.",
    subaccount_was_empty="`{name}`: balance not given any more; it was empty.",
    gone="`{name}` is no longer listed by the provider.",
    gone_title="Sub-accounts that were low are gone",
    subaccount_fine="`{name}`: {value}",
    subaccount_email="(`{email}`)",
    and_more="and {count} more.",
    listing_failed="The account itself is read, but not the list of its sub-accounts.",
    balances_failed="The account and the list of its sub-accounts are read, but not every balance on it.",
    listings_failed="The accounts themselves are read, but not the lists of their sub-accounts.",
    member_failing="`{account}` since {since}.",
    member_failing_otherwise="`{account}` since {since}: {cause}",
    member_unlisted="`{account}` since {since}: it is read, but not the list of its sub-accounts.",
    member_read="`{account}` was read again {until}.",
    member_was_failing="`{account}` could not be read from {since} to {until}.",
    member_was_unlisted="Sub-accounts of `{account}` could not be listed from {since} to {until}.",
    since="since {since}",
    next_reminder="next reminder {at}",
    acked="<@{by}> has it since {at}: no reminders until it ends, or {until}.",
    snoozed="<@{by}> snoozed it {at}: no reminders until {until}.",
    rose="+{amount} {at}: not enough yet.",
    rose_still_below="+{amount} {at}, still {missing} below {threshold}.",
    missed="It was {level} from {since}; that could not be told earlier.",
    missed_no_credit=(
        "It was probably empty from {since} (“insufficient credit”); that could not be told earlier."
    ),
    repeat="(May be a repeat: I cannot know whether this was posted before.)",
    moved="This alert goes on in <#{channel}>.",
    not_configured="This is no longer watched: the configuration was changed.",
    split="What still cannot be read has alerts of its own now.",
    in_band="{value} left: above {threshold}, ends at {ends_at}.",
    ends_at="Fine again from {ends_at}.",
    left="{values} left.",
    still_used_up="Only {values} left, not enough: it counts as used up below {enough}.",
    used_up="Nothing can be sent any more: {values} left. Top up to send again.",
    lasted="It lasted {duration}, since {since}.",
    told_late="It lasted from {since} to {until} and could not be told earlier.",
    topped_up="Topped up: at least {amount}.",
    threshold_changed="Threshold changed from {old} to {new}.",
    cannot_read_since="Last read {read_at}; cannot be read since.",
    last_reading="Last good reading: {values}, {read_at}.",
    no_reading="There is no earlier reading.",
    account="Account {account}",
    read_at="Read {read_at}",
    top_up="Top up",
    ack="I have it",
    snooze="Snooze",
    resume="Resume reminders",
    choices={
        Choice.ONE_HOUR: "For 1 hour",
        Choice.FOUR_HOURS: "For 4 hours",
        Choice.TOMORROW: "Until tomorrow 9:00",
        Choice.MONDAY: "Until Monday 9:00",
    },
    ack_by_command="To stop the reminders, type `/smscredits ack{account}`.",
    resume_by_command="To get reminders again, type `/smscredits resume{account}`.",
    not_mentioned="Slack did not let me mention `{whom}` here, so nobody was notified: please pass it on.",
    left_out={
        Embellishment.MENTION: (
            "Slack refuses the mention there, so nobody is notified: "
            "let the app mention everyone, or set MENTION_ON_CRITICAL to a person"
        ),
        Embellishment.BLOCKS: (
            "Slack refuses the layout there, so messages come as plain text without buttons: "
            "use /smscredits ack instead, and please report this bug"
        ),
        Embellishment.THREAD: (
            "Slack refuses replies there, so updates come as separate messages: "
            "allow replies in the channel's settings"
        ),
        Embellishment.METADATA: (
            "Slack refuses the metadata there, which only other programs would read: there is nothing to do"
        ),
    },
    decided={
        Reason.MUTED: "{alert}: no reminders until {until}. I still post if it gets worse, and when it ends.",
        Reason.MUTED_ALREADY: "{alert}: <@{by}> has it already, since {at}.",
        Reason.RESUMED: "{alert}: reminders go on.",
        Reason.NOT_MUTED: "{alert}: reminders are on already.",
        Reason.NOT_OPEN: "{alert}: ended {ended_at}.",
    },
    snoozed_already="{alert}: <@{by}> snoozed it already, until {until}.",
    unknown_alert="I do not know this alert; it may be from before my database was set up anew.",
    nothing_open="No alert is open.",
    alerts_title="Open alerts",
    alert="*{title}* ({account}), since {since}.",
    group="several accounts",
    last_word="Last posted {at} in <#{channel}>.",
    not_delivered="A message for <#{channel}> has been waiting since {since}: {why}.",
    next_try="Next try {at}.",
    being_told="A message about it is just being posted in <#{channel}>.",
    counting="*{account}*: {count} of {needed} failed polls in a row since {since}, not posted yet. {cause}",
    failed_polls="Failed polls in a row: {count}.",
    no_reminder="No reminder comes: they are switched off for this level.",
    undelivered="Since {since} I cannot post in {channels}: {why}.",
    causes={
        Cause.NAME_UNKNOWN: "DNS does not know the name of {provider}'s host.",
        Cause.NAME_NOT_RESOLVED: "DNS does not answer when asked for {provider}'s host.",
        Cause.CONNECTION_REFUSED: "{provider}'s host refuses the connection.",
        Cause.NO_ROUTE: "There is no route to {provider}'s host.",
        Cause.CONNECT_TIMEOUT: "Connecting to {provider} takes too long.",
        Cause.CERTIFICATE_UNTRUSTED: "This machine does not trust the issuer of {provider}'s certificate.",
        Cause.CERTIFICATE_SELF_SIGNED: "{provider}'s certificate is self-signed, which is not trusted here.",
        Cause.CERTIFICATE_EXPIRED: "{provider}'s certificate has expired, or this machine's clock is wrong.",
        Cause.CERTIFICATE_OF_ANOTHER: "The certificate at {provider}'s address is for another host.",
        Cause.TLS: "What answers at {provider}'s address does not speak TLS properly.",
        Cause.BROKEN_OFF: "{provider} closes the connection before its answer is complete.",
        Cause.NOT_HTTP: "What answers at {provider}'s address does not speak HTTP.",
        Cause.NETWORK: "{provider} cannot be reached.",
        Cause.TIMEOUT: "{provider} does not answer in time.",
        Cause.SERVER_FAULT: "{provider} answers with a fault of its own (HTTP {status}).",
        Cause.RATE_LIMITED: "{provider} says that it is asked too often.",
        Cause.NOT_ASKED: "{provider} allows only a few requests a minute; none was left for this one.",
        Cause.NOT_JSON: "{provider}'s answer is not the JSON that it documents.",
        Cause.TOO_LARGE: "{provider}'s answer is far too long to be one.",
        Cause.TOO_MANY: "{provider} lists more sub-accounts than the 2,000 (on 100 pages) that I can watch.",
        Cause.REDIRECT: "{provider} sends me to another address (HTTP {status}): I do not follow.",
        Cause.NOT_FOUND: "{provider} does not know the address that I ask (HTTP 404).",
        Cause.DENIED: "{provider} denies access (HTTP {status}).",
        Cause.DEGRADED: "{provider}'s answer holds no credits.",
        Cause.INCOMPLETE: "{provider} lists fewer sub-accounts than it says there are.",
        Cause.FIELD_MISSING: "{provider}'s answer lacks `{field}`.",
        Cause.FIELD_NOT_A_NUMBER: "{provider}'s answer has a `{field}` that is no number.",
        Cause.KEY_MISSING: "{provider} says that the API key is missing (code {code}).",
        Cause.KEY_WRONG: "{provider} says that the API key is wrong (code {code}).",
        Cause.ACCOUNT_DISABLED: "{provider} says that the account is disabled (code {code}).",
        Cause.ACCOUNT_BLOCKED: "{provider} says that the account is blocked (code {code}).",
        Cause.API_REFUSED: "{provider} refuses this account the use of the API (code {code}).",
        Cause.ADDRESS_REFUSED: "{provider} does not allow the IP address that I call from (code {code}).",
        Cause.NO_CREDIT: "{provider} refuses with “insufficient credit” (code {code}).",
        Cause.CURRENCY: "{provider} now counts in {unit} ({amount}) instead of {instead}.",
        Cause.REFUSED: "{provider} refuses (HTTP {status}, code {code}).",
        Cause.STATE_UNREADABLE: "What I stored of it cannot be read (`{field}`), so I judge nothing of it.",
    },
    mends={
        Cause.NAME_UNKNOWN: "Check the host in `{url}`, and this machine's DNS.",
        Cause.NAME_NOT_RESOLVED: "Check this machine's DNS (/etc/resolv.conf) and network.",
        Cause.CONNECTION_REFUSED: "Check the host and port in `{url}`, and look for a firewall in between.",
        Cause.NO_ROUTE: "Check this machine's network, IPv6 too.",
        Cause.CONNECT_TIMEOUT: "A firewall may block outgoing https, or the host may be down.",
        Cause.CERTIFICATE_UNTRUSTED: _TRUST,
        Cause.CERTIFICATE_SELF_SIGNED: _TRUST,
        Cause.CERTIFICATE_EXPIRED: "Check this machine's clock (NTP); else the certificate must be renewed.",
        Cause.CERTIFICATE_OF_ANOTHER: "Check the host in `{url}`; a proxy may be answering instead.",
        Cause.TLS: "Check the host and port in `{url}`, and look for a proxy in between.",
        Cause.BROKEN_OFF: "If it lasts, look for a firewall or proxy that cuts it.",
        Cause.NOT_HTTP: "Check the host and port in `{url}`, and look for a proxy in between.",
        Cause.NETWORK: _TRY_LATER,
        Cause.TIMEOUT: _TRY_LATER,
        Cause.SERVER_FAULT: _TRY_LATER,
        Cause.RATE_LIMITED: "I keep trying; make `POLL_INTERVAL` longer if it lasts.",
        Cause.NOT_ASKED: "Watch fewer accounts with one key, or make `POLL_INTERVAL` longer.",
        Cause.NOT_JSON: _TRY_LATER,
        Cause.TOO_LARGE: _CHECK_URL,
        Cause.TOO_MANY: "Set `subaccounts = false` for this account: all else is watched as usual.",
        Cause.REDIRECT: _CHECK_URL,
        Cause.NOT_FOUND: _CHECK_URL,
        Cause.DENIED: _CHECK_KEY,
        Cause.DEGRADED: _TRY_LATER,
        Cause.INCOMPLETE: "I judge its sub-accounts by what was last listed until it is whole.",
        Cause.FIELD_MISSING: "I judge nothing until it is back.",
        Cause.FIELD_NOT_A_NUMBER: "I judge nothing until it is one.",
        Cause.KEY_MISSING: _CHECK_KEY,
        Cause.KEY_WRONG: _CHECK_KEY,
        Cause.ACCOUNT_DISABLED: _ASK_PROVIDER,
        Cause.ACCOUNT_BLOCKED: _ASK_PROVIDER,
        Cause.API_REFUSED: _ASK_PROVIDER,
        Cause.ADDRESS_REFUSED: (
            "Lift the restriction on {key_page}, "
            "or give the bot a fixed outgoing address (on Heroku: a static-address add-on)."
        ),
        Cause.NO_CREDIT: "Look at {account_page} and top up.",
        Cause.CURRENCY: "Set `{setting}` and the thresholds, if that is right; until then nothing is judged.",
        Cause.REFUSED: _ASK_PROVIDER,
        Cause.STATE_UNREADABLE: "Deploy the release that wrote it again, or delete that row of my database.",
    },
    currency_cause="{provider} counts sub-account `{subaccount}` in {unit} ({amount}) instead of {instead}.",
    currency_mend="Its balance is not judged until it is in {instead} again; all others are as usual.",
    some_currency="{amount} in the account's currency",
    heartbeat="HEARTBEAT_URL",
    balances_cause="{provider} gives a sub-account without `balance`, or with one that is no number.",
    listing_mend="I judge its sub-accounts by what was last listed until it is back.",
    balances_mend="Sub-accounts without one are judged again once it is back; all others are as usual.",
    hello="I watch the {provider} account {account} for this channel, every {interval}: {rules}.",
    hello_several="I watch {accounts} for this channel, every {interval}:",
    hello_account="• {account} ({provider}): {rules}.",
    hello_many=(
        "I watch {accounts} for this channel, every {interval}. `/smscredits thresholds` lists the rules."
    ),
    hello_products={
        Product.SMS: "{count} of SMS Partner",
        Product.VOICE: "{count} of Voice Partner",
        Product.MAIL: "{count} of Mail Partner",
    },
    subaccount_rules="each sub-account: {rules}",
    subaccount_no_rules="each sub-account: only when it is empty",
    hello_no_rules="no threshold is set, so I warn only when it is empty or cannot be read",
    rule="{level} below {threshold}",
    rule_fired="*{rule}: low*",
    rule_fine="{rule}: fine",
    rule_source="{rule}, ends at {ends_at} (`{source}`)",
    thresholds_title="Thresholds in force",
    no_rules=(
        "No threshold is set: I warn only of an account that is empty or cannot be read. Set {settings}."
    ),
    rule_settings={
        Product.SMS: "`CREDIT_SMS_WARNING` or `BALANCE_WARNING`",
        Product.VOICE: "`BALANCE_WARNING`",
        Product.MAIL: "`BALANCE_WARNING`, or `creditMail` in the accounts' file",
    },
    status_title="{account}: {level}",
    worse_subaccounts="{level}, sub-accounts: {worst}",
    compact="*{account}*: {level}. {facts}",
    rest_fine="and {count} more, all fine.",
    last_listed="Sub-accounts as last listed:",
    last_listed_before="Sub-accounts as last listed, before {since}:",
    rest="and {count} more: {levels}.",
    level_counted="{count} {level}",
    unreadable_level="cannot be read",
    one_in_detail="`/smscredits ACCOUNT` shows one in detail.",
    held_back="{why}: this is from {age} ago.",
    held_back_unread="{why}: ask again in a minute.",
    held_back_why={
        Held.LIMIT: "{provider} allows only a few requests a minute",
        Held.STORE_AWAY: "{provider} is not asked while my database does not answer",
    },
    wait_until="It asks me to wait until {until}.",
    asking="Asking {provider}…",
    asking_title="{account}: still asking",
    asking_level="still asking",
    reading="Reading…",
    looking_up="Looking that up…",
    failed_title="{account} cannot be read now",
    aged_reading="Last good reading, {age} old: {values}.",
    usage="Usage: {usages}",
    help_title="What `/smscredits` does",
    commands={
        Verb.SHOW: "what is left, read live",
        Verb.ALERTS: "what is open, since when, and when the next message comes",
        Verb.ACK: "stop the reminders: you have it",
        Verb.SNOOZE: "stop the reminders for a while",
        Verb.RESUME: "reminders again",
        Verb.THRESHOLDS: "the rules in force and where each comes from",
        Verb.SHARE: "what is left, shown to the whole channel",
        Verb.HELP: "this list",
    },
    account_command="one account in detail ({accounts})",
    no_duration=(
        "“{text}” has no duration that I can use: from 15 minutes to 7 days. "
        "Examples: `/smscredits snooze 2h`, `/smscredits snooze 3d`."
    ),
    not_understood="I do not know “{text}”.",
    nearest="Did you mean `/smscredits {nearest}`?",
    went_wrong=(
        "Something went wrong on my side. Please try again; "
        "if it stays, quote `{reference}` to whoever runs this bot: it stands in the log."
    ),
    stopping="I am being restarted and could not finish this. Please ask again in a minute.",
    unknown_press=(
        "I cannot tell what was asked: the button may be from another version of me. "
        "Type `/smscredits alerts` to see what is open."
    ),
    other_workspace=(
        "I belong to a different workspace from yours, so I cannot answer you or change anything for you. "
        "Whoever runs this bot can let you in: "
        "`ALLOWED_USERS` must then list everybody who may use me, including your id, `{user}`."
    ),
    workspace_not_given=(
        "Slack does not say which workspace you belong to, so I cannot answer you or change anything. "
        "Whoever runs this bot can let you in: "
        "`ALLOWED_USERS` must then list everybody who may use me, including your id, `{user}`."
    ),
    installation_unknown=(
        "I cannot change anything yet: Slack has not told me which workspace I belong to. "
        "Please try again in a minute; I answer questions meanwhile."
    ),
    person_refused=(
        "I answer only people who are on my list, and you are not. "
        "Ask whoever runs this bot to add your id to `ALLOWED_USERS`: `{user}`."
    ),
    channel_refused=(
        "I do not answer in this channel, but in {channels}. To use me here too, "
        "ask whoever runs this bot to add this channel's id to `ALLOWED_CHANNELS`: `{channel}`."
    ),
    gap_stopped="Nothing was read from {since} to {until}: the bot was not running.",
    gap_jumped=(
        "By my clock nothing was read from {since} to {until}: my machine slept, or its clock was set ahead."
    ),
    gap_running="I have not read anything since {since}, so I cannot warn: look at my log.",
    gap_over="I read again: nothing was read from {since} to {until}.",
    database_lost=(
        "I cannot watch: my database cannot be used ({cause}). {mend} Commands are still answered live."
    ),
    database_causes={
        Unusable.NO_HOST: "there is no such host",
        Unusable.NO_ROUTE: "there is no route to the host",
        Unusable.REFUSED: "the connection is refused",
        Unusable.NO_SOCKET: "no server listens at that path",
        Unusable.NO_CONNECTION_IN_TIME: "no connection in time",
        Unusable.NO_ANSWER_IN_TIME: "no answer in time",
        Unusable.HANGS_UP: "the server hangs up",
        Unusable.NO_TLS: "the server does not speak TLS, but sslmode requires it",
        Unusable.UNTRUSTED: "the server's certificate is not from an authority that is trusted",
        Unusable.CERTIFICATE_EXPIRED: "the server's certificate has expired",
        Unusable.OTHER_HOSTS_CERTIFICATE: "the server's certificate is for another host's name",
        Unusable.NO_ROOT_CERTIFICATE: "the file of trusted certificates (sslrootcert) cannot be read",
        Unusable.TLS_FAILED: "no TLS connection can be made",
        Unusable.PASSWORD: "the password is refused",
        Unusable.USER: "the user is refused",
        Unusable.NOT_FROM_HERE: "no such user from this machine (perhaps only with ?sslmode=require)",
        Unusable.NO_DATABASE: "there is no such database or user",
        Unusable.CLOSED: "the database takes no connections now",
        Unusable.FULL: "too many connections are open",
        Unusable.BUSY: "it is overloaded",
        Unusable.STARTING: "the server is starting",
        Unusable.STOPPING: "the server is stopping",
        Unusable.READ_ONLY: "it is read-only",
        Unusable.NO_PRIMARY: "none of its hosts is the one that target_session_attrs asks for",
        Unusable.NO_RIGHT: "the user may not write there",
        Unusable.NO_SCHEMA: "the user's search_path names no schema that exists",
        Unusable.LOCKED: "another session holds what is needed",
        Unusable.DISK_FULL: "its disk is full",
        Unusable.DAMAGED: "its files are damaged",
        Unusable.ENCODING: "its encoding cannot hold what is to be written",
        Unusable.NO_TABLES: "the bot's tables are not there, or not yet",
        Unusable.FOREIGN_TABLES: "the table {detail} is not the bot's own, or no longer whole",
        Unusable.FILE_NOT_OPENED: "the file cannot be opened",
        Unusable.FILE_READ_ONLY: "the file cannot be written",
        Unusable.FILE_LOCKED: "another process holds the file",
        Unusable.FILE_NO_DATABASE: "the file is not an SQLite database",
        Unusable.FILE_REPLACED: "the file was replaced or deleted",
        Unusable.CONTENDED: "other copies changed the same row at every try",
        Unusable.UNKNOWN: "it fails for an unknown reason ({detail})",
    },
    database_mends={
        Unusable.NO_HOST: "Check the host's name in DATABASE_URL.",
        Unusable.NO_ROUTE: "Check the host in DATABASE_URL, and the network between it and this machine.",
        Unusable.REFUSED: "Check host and port in DATABASE_URL, and that the server runs and listens there.",
        Unusable.NO_SOCKET: "Check the path in DATABASE_URL, and that the server runs on this machine.",
        Unusable.NO_CONNECTION_IN_TIME: _CHECK_NETWORK,
        Unusable.NO_ANSWER_IN_TIME: "Look at the server's load, and for sessions that hold locks for long.",
        Unusable.HANGS_UP: "Look at the server's log, or that of the pooler or proxy before it.",
        Unusable.NO_TLS: "Switch TLS on at the server; in a network you trust, leave sslmode out.",
        Unusable.UNTRUSTED: "Set sslrootcert in DATABASE_URL to the file of the authority that signed it.",
        Unusable.CERTIFICATE_EXPIRED: "Renew it at the server; check this machine's clock too.",
        Unusable.OTHER_HOSTS_CERTIFICATE: "Use the host's name that the certificate is for in DATABASE_URL.",
        Unusable.NO_ROOT_CERTIFICATE: "Check the path in sslrootcert, and that the bot may read the file.",
        Unusable.TLS_FAILED: "Check host and port, and which versions of TLS the server takes.",
        Unusable.PASSWORD: "Check user and password in DATABASE_URL; @ in a password is written as %40.",
        Unusable.USER: "Check the user in DATABASE_URL, and that it may log in.",
        Unusable.NOT_FROM_HERE: "Add ?sslmode=require to DATABASE_URL, or let this machine in (pg_hba.conf).",
        Unusable.NO_DATABASE: "Check the names of database and user in DATABASE_URL.",
        Unusable.CLOSED: "Let it take connections again (ALTER DATABASE … ALLOW_CONNECTIONS).",
        Unusable.FULL: "Close other sessions, or raise the limit: the bot needs up to 5 for each copy.",
        Unusable.BUSY: "I keep trying; if it lasts, look at the server's load and memory.",
        Unusable.STARTING: "I keep trying; if it lasts, look at the server's log.",
        Unusable.STOPPING: "I keep trying; if it lasts, check whether the server should be running.",
        Unusable.READ_ONLY: (
            "Connect to the primary; if it is this one, see who set default_transaction_read_only, and why."
        ),
        Unusable.NO_PRIMARY: "Check the hosts in DATABASE_URL, and that one of them is the primary.",
        Unusable.NO_RIGHT: (
            "Give the user all rights on the tables that begin with smscredits_, and CREATE in their schema; "
            "a plan that is used up takes rights away too."
        ),
        Unusable.NO_SCHEMA: "Set search_path to a schema that exists (ALTER ROLE … SET search_path).",
        Unusable.LOCKED: "I keep trying; if it lasts, look for sessions that hold locks for long.",
        Unusable.DISK_FULL: "Make room on the disk of the database.",
        Unusable.DAMAGED: "Restore the last good backup, and check the disk.",
        Unusable.ENCODING: "Use a database in UTF8 (CREATE DATABASE … ENCODING 'UTF8').",
        Unusable.NO_TABLES: "They are made at start; if it lasts, restart the bot.",
        Unusable.FOREIGN_TABLES: (
            "Give the bot a database, or a PostgreSQL schema, in which no other application uses names that "
            "begin with smscredits_; nothing was changed in this one."
        ),
        Unusable.FILE_NOT_OPENED: _CHECK_FILE,
        Unusable.FILE_READ_ONLY: _CHECK_FILE,
        Unusable.FILE_LOCKED: "Only one process may use the file: end the other one.",
        Unusable.FILE_NO_DATABASE: "Check the path in DATABASE_URL, or restore a backup of the file.",
        Unusable.FILE_REPLACED: "I open the new one.",
        Unusable.CONTENDED: "I keep trying.",
        Unusable.UNKNOWN: "Check DATABASE_URL, and look at the database's log.",
    },
    database_back="I watch again: my database can be used.",
    test_reply="This is how I reply when it gets worse, as a reminder, and when it is over.",
    test="A test from the command line: alerts of SMS credits come here. There is nothing to do.",
    database_away=(
        "My database cannot be used ({cause}), so I can neither look that up nor change it. I keep trying."
    ),
    slack_errors={
        "not_in_channel": "the bot is not in the channel: type /invite @smscredits there",
        "channel_not_found": (
            "Slack knows no such channel, or it is private and the bot is not in it: "
            "check ALERT_CHANNEL, and type /invite @smscredits there"
        ),
        "is_archived": "the channel is archived: unarchive it, or set another ALERT_CHANNEL",
        "missing_scope": "the app lacks the scope chat:write: add it in its settings and reinstall it",
        "invalid_auth": "Slack does not accept SLACK_BOT_TOKEN: copy it anew from “OAuth & Permissions”",
        "not_authed": "Slack got no token: set SLACK_BOT_TOKEN",
        "token_revoked": "SLACK_BOT_TOKEN was revoked: reinstall the app and copy the new token",
        "account_inactive": "the app was removed from the workspace: install it again and copy the new token",
        "restricted_action": "a workspace setting keeps the bot from posting there: ask a workspace admin",
        "restricted_action_read_only_channel": (
            "the channel is read-only for the bot: let it post in the channel's settings"
        ),
        "restricted_action_thread_only_channel": (
            "the channel takes replies only: set another ALERT_CHANNEL, or allow messages there"
        ),
        "ekm_access_denied": "the workspace's admins have suspended posting there: ask one of them",
        "invalid_blocks": "Slack does not accept the message's layout: a bug of this bot, please report it",
        "message_not_found": "the message is no longer in the channel",
        "cant_update_message": "the message cannot be edited any more",
        "edit_window_closed": "the message cannot be edited any more",
        "thread_not_found": "the message is no longer in the channel",
        "not_allowed_token_type": "SLACK_BOT_TOKEN is no bot token: copy the one that begins with xoxb-",
        "token_expired": "SLACK_BOT_TOKEN has expired: reinstall the app and copy the new token",
        "fatal_error": _SLACKS_FAULT,
        "internal_error": _SLACKS_FAULT,
        "request_timeout": _SLACKS_FAULT,
        "service_unavailable": _SLACKS_FAULT,
        "ratelimited": "Slack asks to slow down: I wait as long as it asks, then go on",
        "timeout": "Slack does not answer in time",
        "network": "Slack cannot be reached",
        "redirect": "Slack's address sends me elsewhere: check SLACK_API_URL; is a proxy in between?",
        "internal": "a message could not be built: a bug of this bot, please report what the log says",
        "server_fault": _SLACKS_FAULT,
    },
    slack_error_unknown="Slack refuses with {error}",
    socket_mode_refused=(
        "Slack refuses SLACK_APP_TOKEN ({}): under “Basic Information”, “App-Level Tokens”, make one with "
        "the scope connections:write, and switch Socket Mode on"
    ),
)
