"""One citizen: the overview, the timeline, sources and completeness.

Everything here turns FHIR resources that were already decided and logged into view data: typed, without words in any
language and without a page. Portals put the words to it.
"""
