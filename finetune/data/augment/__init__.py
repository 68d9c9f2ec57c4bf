"""What training rows become by chance: pictures changed and mixed, texts rewritten. Held-out rows never come here.

Every change is a pure function of its input and a generator; which generator, `contracts.Draw` says.
"""
