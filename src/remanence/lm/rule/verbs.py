"""Which verb phrases state which relation: one row each, tried in this order at the place where the verb stands.

Idea:    `re` tells which row matched (lastgroup), so one match decides for a hundred verbs.
Differs: English; irregular and inflected forms are spelt out, there is no morphology.
"""

import re

from remanence.lm.rule.person import WHO
from remanence.lm.rule.words import listed

OCCUPATIONS = (
    r"(?:\w+ologist|\w+ographer|\w*engineer|\w*developer|programmer|scientist|researcher|teacher|professor|tutor|nurse"
    r"|doctor|surgeon|dentist|vet|veterinarian|therapist|counsell?or|lawyer|attorney|paralegal|accountant|auditor"
    r"|consultant|analyst|manager|director|ceo|cto|cfo|founder|entrepreneur|designer|architect|artist|painter|musician"
    r"|singer|actor|actress|writer|author|journalist|editor|chef|cook|baker|barista|bartender|waiter|waitress|driver"
    r"|pilot|mechanic|electrician|plumber|carpenter|farmer|gardener|firefighter|paramedic|soldier|officer|clerk"
    r"|secretary|assistant|receptionist|cashier|salesperson|realtor|broker|banker|economist|student|intern|apprentice"
    r"|freelancer|coach|trainer|instructor|dancer|model|librarian|translator|pharmacist|technician|administrator"
    r"|technologist|specialist|translator|hairdresser|tailor|judge|priest|postdoc|recruiter|marketer"
    r"|streamer|pensioner)"
)
_A = r"(?:an?|my|the|our|his|her|their|WHO's)"
_EMPLOY = (
    r"(?:works?|worked|working)\s+(?:(?:full|part)[- ]time\s+|over\s+|remotely\s+|now\s+|currently\s+)?(?:at"
    r"|for)(?!\s+(?:home|night|an?\b|\d|the\s+(?:moment|first)|myself|WHO))"
    r"|signed\s+(?:(?:an?|the|WHO's)\s+(?:new\s+)?contract\s+)?with(?=\s+[A-Z])"
    r"|(?:starts?|started|starting)\s+(?:working|work)\s+(?:at|for)|employed\s+(?:at|by|with)|hired\s+(?:by|at)|join(?:s|ed|ing)?(?!\s+(?:an?|the|us|me|him|her|them|in|WHO|forces|hands)\b)"
    r"|(?:starts?|started|starting|got|landed|found|took|accepted|has)\s+(?:an?|WHO's"
    r"|the)(?:\s+[\w-]+){0,3}?\s+(?:job|position|role|internship|offer)\s+(?:at|with|from)"
    r"|an?\s+employee\s+(?:of|at)|part\s+of\s+the\s+team\s+at|earns?\s+WHO's\s+(?:money|living)\s+(?:at|with)"
    r"|found\s+work\s+(?:at|with)|went\s+to\s+work\s+(?:at|for)"
    r"|(?:starts?|started|starting)(?:\s+(?:working|work))?\s+at(?=\s+[A-Z])"
)

# relation: the verb phrase, with the auxiliaries before it already read. WHO stands for the speaker.
ROWS = {
    "not_works_at": (
        r"(?:left|leaving|quit|quitting|resigned|fired|laid\s+off|let\s+go|retired)\s+(?:(?:from\s+)?(?:WHO's"
        r"|the|his|her|their|an?)(?:\s+\w+)?\s+(?:job|position|role|work|company)(?:\s+(?:at|with))?"
        r"|from)(?!\s+\w+ing\b)|quit(?=\s+[A-Z])"
        r"|(?:fired|laid\s+off|let\s+go|sacked|dismissed|made\s+redundant)\s+(?:by|at)(?=\s+(?:the\s+)?[A-Z])"
        r"|(?:lost|gave\s+up|given\s+up)\s+(?:WHO's|the|his|her|their)\s+(?:\w+\s+)?(?:job|position|role)\s+(?:at|with)"
        r"|(?:handed\s+in|gave|put\s+in)\s+(?:(?:WHO's|his|her|their)\s+)?(?:notice|resignation)\s+(?:at|to)"
        r"|stepped\s+down\s+(?:at|from)(?=\s+[A-Z])|(?:stopped|finished|done)\s+working\s+(?:at|for|with)"
        r"|(?:unemployed|jobless|out\s+of\s+(?:work|a\s+job)|between\s+jobs)(?=\s*(?:$|[.,;!]|now|again|at\s+the))"
    ),
    "left": r"(?:left|part(?:ed)?\s+ways\s+with)(?=\s+(?:the\s+)?[A-Z])",
    "not_lives_in": (
        r"(?:moved|moving|moves)\s+(?:away|out)(?:\s+(?:of|from))?|stopped\s+living\s+in"
        r"|(?:gave|given)\s+up\s+WHO's\s+(?:flat|apartment|house|home|room|place)\s+in"
    ),
    "not_likes": r"gone\s+off(?!\s+(?:to|at|on|in|the|with|again|his|her|for|a)\b)|stopped\s+(?:liking|loving)",
    "boss": (
        r"(?:reports?|reported|reporting|answers?)\s+(?:directly\s+|straight\s+)?to(?=\s+[A-Z]\w*\s*(?:$|[.,;!]"
        r"|now|these|any|since|from|on|in))|(?:managed|supervised|led)\s+by(?=\s+[A-Z])|work(?:s|ing)?\s+under(?=\s+[A-Z])"
    ),
    "not_does": r"(?:quit|stopped|gave\s+up|given\s+up|quitting)(?=\s+(?!being\b)\w+ing\b)|gave\s+up|given\s+up",
    "not_has": r"(?:sold|selling|gave\s+away|given\s+away|got\s+rid\s+of|threw\s+away|donated)",
    "moving_to": (
        r"(?:moving|relocating|about\s+to\s+move|planning\s+to\s+move|going\s+to\s+move)(?:\s+back"
        r"|\s+over)?\s+to"
    ),
    "lives_in": r"(?:live[sd]?|living|resid(?:es?|ed|ing)|based|settled|staying)"
    r"(?:\s+(?:now|here|over|up|out|right|alone|together|happily|back|down|with\s+[^,.;]{2,20}?))?\s+in|(?:a\s+)?resident\s+of"
    r"|(?:rents?|rented|renting)\s+an?\s+(?:\w+\s+)?(?:flat|apartment|house|room|studio|place)\s+in"
    r"|calls?(?=\s+[A-Z][\w-]*\s+home\b)|ended\s+up\s+(?:living\s+in|moving\s+to)"
    r"|made(?=\s+[A-Z][\w-]*\s+WHO's\s+(?:new\s+)?home\b)"
    r"|(?:moved|relocated|emigrated|moves)(?:\s+(?:back|over|out|here|house,?|home"
    r"|in))?(?:\s+from\s+[^,.;]{1,30}?)?\s+to(?!\s+(?:an?|the|WHO's)\s+(?:new|bigger|smaller|house|flat"
    r"|apartment|place|team|role|position|next|different)\b)",
    "occupation": (
        r"(?:works?|worked|working|employed|hired|(?:starts?|started)(?:\s+(?:working|a\s+new\s+job|a\s+job"
        r"|out))?|retrained|qualified)\s+as|(?:got\s+|been\s+|was\s+)?promoted\s+to|(?:became|becomes|become|becoming)(?=\s+(?:an?"
        r"|the)\s+(?:[\w-]+\s+){0,2}?OCC\b)|(?=an?\s+(?:[\w-]+\s+){0,3}?OCC\b(?!\s+(?:of|who)\b))"
    ),
    "works_at": _EMPLOY,
    "works_in": r"(?:works?|worked|working)\s+in",
    "studies_at": (
        r"(?:attends?|attended|attending|enrolled\s+(?:at|in)|stud(?:ies|y|ied|ying)\s+at|(?:goes|went"
        r"|going)\s+to(?=\s+[A-Z][\w']+\s+(?:University|College|School|High)|\s+(?:MIT|UCLA|NYU"
        r"|ETH)\b))(?=\s+(?:the\s+)?[A-Z])"
    ),
    "graduated_from": r"graduat(?:ed|ing|es)\s+from",
    "studies": (
        r"stud(?:ies|y|ied|ying)(?!\s+(?:for|hard|with|so|a\s+lot|abroad)\b)|major(?:s|ing|ed)?\s+in|(?:doing"
        r"|does|finishing)\s+(?:an?|WHO's)\s+(?:PhD|master['’]?s|degree|bachelor['’]?s|MBA)\s+in|enrolled\s+in"
    ),
    "learns": (
        r"learn(?:s|ing)?(?:\s+(?:how\s+)?to\s+(?:play|speak|cook))?(?!\s+(?:about|that|from|a\s+lot|more|so"
        r"|the\s+hard)\b)|(?:taking|takes)(?=\s+\w+\s+(?:lessons|classes))"
    ),
    "speaks": r"speaks?(?=\s+(?:[a-z]+\s+)?[A-Z])|fluent\s+in",
    "plays": r"play(?:s|ing)?(?!\s+(?:with|around|a\s+(?:role|part)|it)\b)(?:\s+(?:on|for)\s+the)?",
    "age": r"turned(?=\s+\d{1,3}\b)|(?=\d{1,3}(?:\s*(?:[.,!;]|$|now\b|years?\s+old|yo\b)))",
    "from": r"(?:come[s]?\s+from|hails?\s+from|from)(?=\s+[A-Z]|\s+the\s+[A-Z]|\s+a\s+(?:small|big|little))",
    "grew_up_in": r"(?:grew\s+up|raised|brought\s+up)\s+(?:in|on)",
    "born_on": r"born\s+on|born(?=\s+(?:\d|in\s+(?:\d|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)))(?:\s+in)?",
    "born_in": r"born(?:\s+and\s+raised)?\s+(?:in|at|near)",
    "allergic_to": r"allergic\s+to|has\s+(?:an?\s+)?(?:(?:severe|bad|mild|serious)\s+)?allergy\s+to",
    "relationship": (
        r"(?=(?:happily\s+|newly\s+|recently\s+)?(?:married|engaged|divorced|separated|widowed)\b)|(?=dating\s"
        r"|single\s*(?:$|[.,!;]|again|now))|(?:got|getting|gets)\s+(?=married|engaged|divorced)"
        r"|(?=broke\s+up\b|split\s+up\b)|(?:has\s+been\s+)?(?=seeing\s+(?:someone|[A-Z]))"
        r"|in\s+a\s+(?=relationship)"
    ),
    "diet": (
        r"(?:(?:switched|changed)\s+to\s+|an?\s+|strictly\s+|gone\s+|went\s+|became\s+|become\s+|turned\s+|going\s+|mostly\s+"
        r"|become\s+an?\s+|became\s+an?\s+)*(?=(?:vegetarian|vegan|pescatarian|gluten[- ]free"
        r"|lactose[- ]intolerant|dairy[- ]free|keto|coeliac|celiac|omnivore)\b)"
    ),
    "commute": (
        r"(?:takes?|took|catch(?:es)?|rides?|rode)(?!\s+(?:WHO|WHO's|him|her|them|it|his|their|food|lunch|kids|the\s+(?:dog|kids))\b)"
        r"(?=\s+[^,.;]{2,30}?\s+to\s+(?:work|the\s+office)\b)|commutes?\s+by"
        r"|(?:goes|gets|travels?)\s+to\s+work\s+(?:by|on(?=\s+foot))"
    ),
    "car": r"drives?(?=\s+an?\s+(?:\w+\s+)?[A-Z])",
    "goes_by": r"goes\s+by|(?:called|nicknamed)(?=\s+[A-Z])",
    "dislikes": (
        r"hate[sd]?|dislike[sd]?|detests?|loathes?|can(?:['’]t|not)\s+stand|(?:sick|tired)\s+of|fed\s+up\s+with|not\s+(?:a\s+(?:big\s+"
        r"|huge\s+)?fan\s+of|fond\s+of|into|keen\s+on)|afraid\s+of|scared\s+of"
    ),
    "prefers": r"prefer(?:s|red)?",
    "likes": (
        r"(?:likes?|loves?|enjoys?|enjoyed|adores?|loved|liked)(?!\s+(?:how|that|when|what|it|this|your|you"
        r"|the\s+(?:way|idea))\b)|(?:a\s+)?(?:big|huge|massive)?\s*fan\s+of|fond\s+of|passionate\s+about"
        r"|keen\s+on|into(?=\s+\w)|interested\s+in|obsessed\s+with|addicted\s+to"
    ),
    "has": (
        r"(?:owns?|owned|bought|purchased|adopted|got|inherited|acquired|has|have|keeps)(?=\s+(?:an?|two|three"
        r"|four|five|six|seven|several|\d+|another)\b)(?!\s+(?:a\s+(?:lot|bit|good|great|nice|blast|fun|chance"
        r"|feeling|way|look|go|ton|few|hard|bad|rough|big\s+smile|point|question|moment|hold|kick|sense|break"
        r"|try|long)|the\s+(?:chance|feeling|best|same|most|opportunity)|an?\s+(?:amazing|awesome|incredible"
        r"|interview|appointment|meeting|email|call|message|idea|opportunity)))"
    ),
}  # fmt: skip

VERBS = re.compile(
    "|".join(
        f"(?P<{name}>(?:{row.replace('WHO', WHO).replace('OCC', OCCUPATIONS)})(?!(?<=\\w)\\w))"
        for name, row in ROWS.items()
    )
)
LISTS = listed("likes dislikes plays studies learns speaks has allergic_to prefers not_has not_does not_likes")
EVENTS = listed(
    """joined moved relocated emigrated hired promoted born adopted bought purchased got inherited acquired became
    started landed accepted took graduated married engaged divorced separated widowed broke split moves settled
    enrolled raised grew brought went turned signed retrained found made finished parted switched qualified ended"""
)
