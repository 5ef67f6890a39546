"""What a text says, read from the text itself: for the rules of law about content, and for the check of templates.

reading      a text as a reader takes it in, whatever its spelling hides
words        the words of a message, and word lists found in them
amounts      the sums of money that it names
numbers      account numbers, premium-rate numbers
disclosure   what it gives away of the debt
blocks       the required parts that it contains
voicemail    the grammar of a limited-content message
deadlines    by when it asks for something
"""

from arrears.domain.content.amounts import Quoted, amounts, wrong_amounts
from arrears.domain.content.blocks import Required, blocks_in, missing_blocks
from arrears.domain.content.deadlines import deadlines
from arrears.domain.content.disclosure import debt_facts, debt_facts_before
from arrears.domain.content.numbers import account_numbers, premium_rate
from arrears.domain.content.voicemail import LimitedContent, limited_content
from arrears.domain.content.words import Block, Flaw, WordList, Words, found_in, says

__all__ = [
    "Block",
    "Flaw",
    "LimitedContent",
    "Quoted",
    "Required",
    "WordList",
    "Words",
    "account_numbers",
    "amounts",
    "blocks_in",
    "deadlines",
    "debt_facts",
    "debt_facts_before",
    "found_in",
    "limited_content",
    "missing_blocks",
    "premium_rate",
    "says",
    "wrong_amounts",
]
